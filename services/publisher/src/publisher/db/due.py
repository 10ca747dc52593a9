"""The queries that make the table a queue: what is due, who takes it, who holds it, who is called.

What each may do is said in domain/rules.py; here it is said once more, in SQL.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from common.contracts.words import Platform
from publisher.db.pauses import running
from publisher.db.picture import OWN, picture
from publisher.db.tables import connections, publications
from publisher.domain.publication import Publication, Stage, StepState
from publisher.domain.states import Status, check_move

t = publications
NOW = func.clock_timestamp()
COME = func.statement_timestamp()
"""For what is due: constant within a statement, so that an index finds it (the clock itself would
be read anew at each row, of those in the future, too). It is a little behind, thus never early."""
IN_TURN = (t.c.user_id, t.c.step.is_(None), t.c.id)


class DueRows:
    """app.ports.Due over PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def start(self, limit: int) -> list[Publication]:
        """Scheduled ones whose account is well, on their way."""
        check_move(Status.SCHEDULED, Status.PUBLISHING)
        found = (
            select(t.c.id)
            .join(connections, connections.c.id == t.c.connection_id)
            .where(_come(Status.SCHEDULED), running(), connections.c.status == "active")
            .order_by(t.c.due_at)
            .limit(limit)
            .with_for_update(of=t, skip_locked=True)
        )
        statement = (
            update(t)
            .where(t.c.id.in_(found.scalar_subquery()))
            .values(
                status=Status.PUBLISHING,
                version=t.c.version + 1,
                stage=Stage.QUEUED,
                hold=None,
                woken_at=NOW,
                updated_at=NOW,
            )
            .returning(*OWN)
        )
        rows = [picture(row) for row in (await self._connection.execute(statement)).mappings()]
        return sorted(rows, key=lambda row: (row.due_at, row.id))

    async def stuck(self, limit: int) -> list[Publication]:
        """Scheduled ones whose time has come, but whose account is not well; locked."""
        well = exists().where(
            connections.c.id == t.c.connection_id, connections.c.status == "active"
        )
        found = (
            select(*OWN)
            .where(_come(Status.SCHEDULED), running(), ~well)
            .order_by(t.c.due_at)
            .limit(limit)
            .with_for_update(of=t, skip_locked=True)
        )
        return [picture(row) for row in (await self._connection.execute(found)).mappings()]

    async def next_in_turn(
        self, platform: Platform, after: str, *, quarantine: timedelta
    ) -> UUID | None:
        """Users take turns in the order of their ids, the one after `after` first; of a user's
        own publications those begun come first, then the oldest."""
        for since in (after, "") if after else ("",):
            found = (
                select(t.c.id)
                .where(t.c.platform == platform, t.c.user_id > since, _claimable(quarantine))
                .order_by(*IN_TURN)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            next_id: UUID | None = (await self._connection.execute(found)).scalar_one_or_none()
            if next_id is not None:
                return next_id
        return None

    async def claim(
        self, publication_id: UUID, *, lease: timedelta, quarantine: timedelta
    ) -> Publication | None:
        """A new fence shuts out whoever held the lease before."""
        statement = (
            update(t)
            .where(t.c.id == publication_id, _claimable(quarantine))
            .values(
                fence=t.c.fence + 1,
                attempt=func.greatest(t.c.attempt, t.c.failures + 1),
                lease_until=NOW + lease,
                woken_at=None,
                updated_at=NOW,
            )
            .returning(*OWN)
        )
        row = (await self._connection.execute(statement)).mappings().first()
        return picture(row) if row else None

    async def renew(self, publication: Publication, lease: timedelta) -> bool:
        """Only while the fence is ours and the lease has not run out."""
        statement = (
            update(t)
            .where(
                t.c.id == publication.id,
                t.c.fence == publication.fence,
                t.c.lease_until > NOW,
            )
            .values(lease_until=NOW + lease)
        )
        return (await self._connection.execute(statement)).rowcount == 1

    async def call(
        self, limit: int, platforms: Collection[Platform], *, quarantine: timedelta
    ) -> list[Publication]:
        """Mark what nobody has been called for."""
        found = (
            select(t.c.id)
            .where(t.c.platform.in_(platforms), _claimable(quarantine), t.c.woken_at.is_(None))
            .order_by(t.c.due_at)
            .limit(limit)
            .with_for_update(of=t, skip_locked=True)
        )
        return await self._mark_called(t.c.id.in_(found.scalar_subquery()))

    async def call_again(
        self, platforms: Collection[Platform], *, quarantine: timedelta, again_after: timedelta
    ) -> list[Publication]:
        """Mark the first of each platform, if its call came to nothing."""
        firsts = [
            select(t.c.id)
            .where(t.c.platform == platform, _claimable(quarantine))
            .order_by(*IN_TURN)
            .limit(1)
            .subquery()
            for platform in platforms
        ]
        return await self._mark_called(
            t.c.id.in_(union_all(*(select(first.c.id) for first in firsts)).scalar_subquery()),
            t.c.woken_at < NOW - again_after,
        )

    async def _mark_called(self, *which: ColumnElement[bool]) -> list[Publication]:
        statement = update(t).where(*which).values(woken_at=NOW).returning(*OWN)
        return [picture(row) for row in (await self._connection.execute(statement)).mappings()]


def _come(status: Status) -> ColumnElement[bool]:
    return and_(t.c.status == status, t.c.due_at <= COME)


def _claimable(quarantine: timedelta) -> ColumnElement[bool]:
    """Due, held by nobody, and neither paused nor resting. A cancel is seen to even then, and what
    people may see by now is followed to its end even while paused."""
    lease_over = case(
        (t.c.step_state == StepState.STARTED, t.c.lease_until + quarantine),
        else_=t.c.lease_until,
    )
    resting = exists().where(connections.c.id == t.c.connection_id, connections.c.rest_until > COME)
    return and_(
        _come(Status.PUBLISHING),
        or_(t.c.lease_until.is_(None), lease_over < NOW),
        or_(t.c.cancel_requested, and_(~resting, or_(running(), t.c.visible))),
    )
