"""The queries that make the table a queue: what is due, who takes it, who holds it, who is called.

What each may do is said in domain/rules.py; here it is said once more, in SQL.
"""

import asyncio
from collections.abc import Collection, Iterable
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Subquery,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from common.contracts.words import Platform
from publisher.app.pauses import Scope
from publisher.db.claimable import COME, NOW, claimable, come, first_in_turn, scheduled, uncalled
from publisher.db.pauses import resumed
from publisher.db.picture import OWN, picture
from publisher.db.tables import publications
from publisher.domain.burst import Burst
from publisher.domain.publication import Publication, Stage
from publisher.domain.states import Status, check_move

__all__ = ["DueRows", "claimable"]
t = publications
ASKED, ASKED_EVERY = 50, 0.02
"""How often, and after how many seconds, an account is asked for again that another one is at."""


@cache  # built once: to build it takes longer than to ask it
def _first(platform: Platform, quarantine: timedelta) -> Select[tuple[UUID, UUID]]:
    ways = first_in_turn(platform, quarantine)
    both = _either(one.with_for_update(of=t, skip_locked=True) for one in ways)
    in_order = select(both.c.id, both.c.connection_id).order_by(
        both.c.user_id, both.c.new, both.c.id
    )
    return in_order.limit(1)


@cache
def _claim(lease: timedelta, quarantine: timedelta, burst: Burst | None) -> ReturningUpdate[Any]:
    allowed = true() if burst is None else or_(t.c.fence > 0, ~_used_up(burst))
    return (
        update(t)
        .where(t.c.id == bindparam("this"), claimable(quarantine), allowed)
        .values(
            fence=t.c.fence + 1,
            first_claimed_at=case((t.c.fence == 0, NOW), else_=t.c.first_claimed_at),
            attempt=func.greatest(t.c.attempt, t.c.failures + 1),
            lease_until=NOW + lease,
            woken_at=None,
            updated_at=NOW,
        )
        .returning(*OWN)
    )


class DueRows:
    """app.ports.Due over PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def start(self, limit: int) -> list[Publication]:
        """Scheduled ones whose account is well, on their way."""
        check_move(Status.SCHEDULED, Status.PUBLISHING)
        listed = scheduled(limit, well=True)
        found = (
            select(t.c.id)
            .join_from(listed, t, t.c.id == listed.c.id)
            .where(come(Status.SCHEDULED))
            .order_by(listed.c.due_at)
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
        listed = scheduled(limit, well=False)
        found = (
            select(*OWN)
            .join_from(listed, t, t.c.id == listed.c.id)
            .where(come(Status.SCHEDULED))
            .order_by(listed.c.due_at)
            .limit(limit)
            .with_for_update(of=t, skip_locked=True)
        )
        return [picture(row) for row in (await self._connection.execute(found)).mappings()]

    async def next_in_turn(
        self, platform: Platform, after: str, *, quarantine: timedelta, counted: bool = False
    ) -> UUID | None:
        """Users take turns in the order of their ids, the one after `after` first; of a user's
        own publications those begun come first, then the oldest."""
        at_others: dict[UUID, UUID] = {}
        for since in (after, "") if after else ("",):
            while found := await self._first(platform, since, quarantine, at_others):
                publication_id, account = found
                if not counted or await self._alone(account):
                    return publication_id
                at_others[account] = publication_id
        return await self._last_resort(at_others)

    async def _first(
        self, platform: Platform, since: str, quarantine: timedelta, without: Collection[UUID]
    ) -> tuple[UUID, UUID] | None:
        """Of those who come after this user, with its account."""
        values = {"since": since, "without": list(without)}
        row = (await self._connection.execute(_first(platform, quarantine), values)).first()
        return (row.id, row.connection_id) if row else None

    async def _alone(self, account: UUID) -> bool:
        """Lock the account, for the claim to count what was claimed before; False while another
        claim is at it."""
        key = func.hashtextextended(cast(literal(str(account)), String), 0)
        locked = await self._connection.execute(select(func.pg_try_advisory_xact_lock(key)))
        return bool(locked.scalar_one())

    async def _last_resort(self, at_others: dict[UUID, UUID]) -> UUID | None:
        """Nothing else is due. A claim takes milliseconds: wait for one, unless it is frozen."""
        for _ in range(ASKED if at_others else 0):
            await asyncio.sleep(ASKED_EVERY)
            for account, publication_id in at_others.items():
                if await self._alone(account):
                    return publication_id
        return None

    async def claim(
        self,
        publication_id: UUID,
        *,
        lease: timedelta,
        quarantine: timedelta,
        burst: Burst | None = None,
    ) -> Publication | None:
        """A new fence shuts out whoever held the lease before."""
        claim = _claim(lease, quarantine, burst)
        row = (await self._connection.execute(claim, {"this": publication_id})).mappings().first()
        return picture(row) if row else None

    async def beyond(self, publication_id: UUID, burst: Burst) -> Publication | None:
        """A new one whose account has had enough."""
        found = select(*OWN).where(t.c.id == publication_id, t.c.fence == 0, _used_up(burst))
        row = (await self._connection.execute(found)).mappings().first()
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
        each = (one for platform in platforms for one in uncalled(platform, quarantine, limit))
        found = select(_either(each).c.id).limit(limit)
        return await self._mark_called(t.c.id.in_(found.scalar_subquery()))

    async def call_again(
        self, platforms: Collection[Platform], *, quarantine: timedelta, again_after: timedelta
    ) -> list[Publication]:
        """Mark the first of each platform, on each way, if its call came to nothing."""
        firsts = (one for platform in platforms for one in first_in_turn(platform, quarantine))
        return await self._mark_called(
            t.c.id.in_(select(_either(firsts).c.id).scalar_subquery()),
            t.c.woken_at < NOW - again_after,
            since="",
            without=[],
        )

    async def _mark_called(
        self,
        *which: ColumnElement[bool],
        **values: Any,  # noqa: ANN401 - of bound parameters
    ) -> list[Publication]:
        statement = update(t).where(*which).values(woken_at=NOW).returning(*OWN)
        found = await self._connection.execute(statement, values)
        return [picture(row) for row in found.mappings()]


def _either(each: Iterable[Select[Any]]) -> Subquery:
    """All of these, each with an order and a limit of its own."""
    return union_all(*(select(one.subquery()) for one in each)).subquery()


def _used_up(burst: Burst) -> ColumnElement[bool]:
    """The account had its share: no more of its index is read than that."""
    of = publications.alias()
    resumed_at = resumed(Scope.CONNECTION, cast(t.c.connection_id, String))
    had = select(literal(1)).where(
        of.c.connection_id == t.c.connection_id,
        of.c.first_claimed_at > func.greatest(COME - burst.within, resumed_at),
    )
    newest_first = had.order_by(of.c.first_claimed_at.desc())  # as the index has them
    return newest_first.offset(burst.most - 1).limit(1).correlate(t).exists()
