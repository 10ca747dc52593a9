"""What is watched and when next; due rows are claimed under a lease."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, any_, bindparam, case, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.contracts.words import Platform
from stats_collector.app.ports import Claim, Freshness
from stats_collector.db.tables import CONNECTIONS
from stats_collector.db.tables import WATCHES as W
from stats_collector.domain.reasons import Reason
from stats_collector.domain.schedule import Schedule
from stats_collector.domain.watch import Watch

COLUMNS = [W.c[field.name] for field in fields(Watch)]
CHANGED = (
    *("round_at", "failures", "told", "gone", "processing", "private"),
    *("sampled_at", "views", "source"),
)
"""What a look may change."""


class Watches:
    """Any number of workers may claim at once; a lease's id proves whose a row is."""

    def __init__(self, connection: AsyncConnection, now: ColumnElement[datetime]) -> None:
        self._connection = connection
        self._now = now

    async def add(self, watch: Watch) -> bool:
        """The first due time is the first round's."""
        statement = (
            insert(W)
            .values(**asdict(watch), next_at=watch.round_at)
            .on_conflict_do_nothing()
            .returning(W.c.publication_id)
        )
        return (await self._connection.execute(statement)).first() is not None

    async def get(self, publication_id: UUID, user_id: str) -> Watch | None:
        """One by its id, if it is the user's."""
        found = await self._connection.execute(
            select(*COLUMNS).where(W.c.publication_id == publication_id, W.c.user_id == user_id)
        )
        row = found.mappings().first()
        return None if row is None else _watch(row)

    async def pause(self, connection_id: UUID, why: Reason) -> None:
        """Also those that are leased: their answer is still recorded."""
        await self._connection.execute(
            update(W).where(W.c.connection_id == connection_id).values(paused=why)
        )

    async def resume(self, connection_id: UUID) -> None:
        """Those whose time is over while they were paused have no more rounds."""
        over = W.c.until < self._now
        await self._connection.execute(
            update(W)
            .where(W.c.connection_id == connection_id, W.c.paused.is_not(None))
            .values(
                paused=None,
                next_at=case((over, null()), else_=W.c.next_at),
                round_at=case((over, null()), else_=W.c.round_at),
            )
        )

    async def claim(self, platform: Platform, most: int, lease: timedelta) -> Claim | None:
        """What another worker has its hands on is skipped, never waited for."""
        due = and_(
            W.c.next_at <= self._now,
            W.c.paused.is_(None),
            or_(W.c.leased_until.is_(None), W.c.leased_until < self._now),
        )
        first = (
            select(CONNECTIONS)
            .join(W, W.c.connection_id == CONNECTIONS.c.id)
            .where(due, W.c.platform == platform)
            .order_by(W.c.next_at)
            .limit(1)
            .with_for_update(of=CONNECTIONS, skip_locked=True)
        )
        found = (await self._connection.execute(first)).first()
        if found is None:
            return None
        # The platform, which is the connection's, is not said again: PostgreSQL would go by it,
        # past all that is due of others. And without the array it may read the whole table.
        batch = (
            select(W.c.publication_id)
            .where(due, W.c.connection_id == found.id)
            .order_by(W.c.next_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        ours = uuid4()
        taken = await self._connection.execute(
            update(W)
            .where(W.c.publication_id == any_(func.array(batch.scalar_subquery())))
            .values(lease=ours, leased_until=self._now + lease)
            .returning(*COLUMNS)
        )
        watches = tuple(_watch(row) for row in taken.mappings())
        if not watches:
            return None  # taken by another worker after our look; whatever else is due comes next
        return Claim(
            lease=ours,
            platform=platform,
            connection_id=found.id,
            connection_version=found.version,
            watches=watches,
        )

    async def held(self, claim: Claim) -> tuple[datetime, list[Watch]]:
        """In the order of their ids, so that two workers never wait for each other."""
        ids = [watch.publication_id for watch in claim.watches]
        rows = await self._connection.execute(
            select(*COLUMNS)
            .where(W.c.publication_id.in_(ids), W.c.lease == claim.lease)
            .order_by(W.c.publication_id)
            .with_for_update()
        )
        now: datetime = (await self._connection.execute(select(self._now))).scalar_one()
        return now, [_watch(row) for row in rows.mappings()]

    async def release(self, settled: Sequence[tuple[Watch, datetime | None]]) -> None:
        """One prepared statement for all of them."""
        if not settled:
            return
        statement = (
            update(W)
            .where(W.c.publication_id == bindparam("id"))
            .values(
                lease=None,
                leased_until=None,
                next_at=bindparam("due"),
                **{name: bindparam(f"new_{name}") for name in CHANGED},
            )
        )
        await self._connection.execute(
            statement,
            [
                {"id": watch.publication_id, "due": due}
                | {f"new_{name}": getattr(watch, name) for name in CHANGED}
                for watch, due in settled
            ],
        )

    async def freshness(self, schedule: Schedule) -> dict[Platform, Freshness]:
        """What has no statistics or has ended is never due; the condition is that of the index
        watches_due, so that old posts, most of the table in time, are not read."""
        looked = func.coalesce(W.c.sampled_at, W.c.published_at + schedule.first_after)
        statement = (
            select(
                W.c.platform,
                func.count(),
                func.count().filter(looked > self._now - schedule.every),
            )
            .where(W.c.next_at.is_not(None), W.c.paused.is_(None))
            .group_by(W.c.platform)
        )
        rows = await self._connection.execute(statement)
        return {Platform(name): Freshness(watched, fresh) for name, watched, fresh in rows}


def _watch(row: Mapping[Any, Any]) -> Watch:
    values = {field.name: row[field.name] for field in fields(Watch)}
    for name in ("unavailable", "paused"):
        values[name] = None if values[name] is None else Reason(values[name])
    return Watch(**values | {"platform": Platform(values["platform"])})
