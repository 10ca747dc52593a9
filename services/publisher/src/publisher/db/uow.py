"""Publisher's unit of work: common's transaction with publisher's queries on it."""

from datetime import datetime

from sqlalchemy import String, bindparam, func, select

from common.contracts.publisher import PublicationRequested
from common.contracts.words import Platform
from common.db.statement import Statement
from common.db.unit_of_work import OUTBOX, UnitOfWork
from publisher.db.due import DueRows
from publisher.db.pauses import PauseRows
from publisher.db.readmodels import ConnectionRows, PlanRows, TimelineRows
from publisher.db.repositories import PublicationRows

CALLS = {f"{PublicationRequested.type}.{platform}": platform for platform in Platform}
"""Routing keys of the calls for a worker."""

_USER = func.hashtextextended(bindparam("one", type_=String), 0)
_CLOCK = func.clock_timestamp().label("now")
SHARED = Statement(select(func.pg_advisory_xact_lock_shared(_USER).label("held"), _CLOCK))
ALONE = Statement(select(func.pg_advisory_xact_lock(_USER).label("held"), _CLOCK))
NOW = Statement(select(_CLOCK))


class PublisherUow(UnitOfWork):
    """app.ports.Uow over PostgreSQL."""

    @property
    def publications(self) -> PublicationRows:
        """The publications."""
        return PublicationRows(self.connection)

    @property
    def due(self) -> DueRows:
        """The same as a queue."""
        return DueRows(self.connection)

    @property
    def connections(self) -> ConnectionRows:
        """What is remembered of connections."""
        return ConnectionRows(self.connection)

    @property
    def plans(self) -> PlanRows:
        """What is remembered of plans."""
        return PlanRows(self.connection)

    @property
    def timeline(self) -> TimelineRows:
        """What happened."""
        return TimelineRows(self.connection)

    @property
    def pauses(self) -> PauseRows:
        """What operators have paused."""
        return PauseRows(self.connection)

    async def lock_user(self, user_id: str, *, shared: bool) -> datetime:
        """An advisory lock, because there may be no row yet."""
        lock = SHARED if shared else ALONE
        [found] = await lock.run(self.connection, {"one": f"user {user_id}"})
        now: datetime = found["now"]
        return now

    async def deaf(self, most: int) -> frozenset[Platform]:
        """Counted among the newest facts, so that a long outage is not read whole at each tick."""
        newest = (
            select(OUTBOX.c.routing_key)
            .where(OUTBOX.c.sent_at.is_(None))
            .order_by(OUTBOX.c.created_at.desc())
            .limit(most * (len(CALLS) + 1))
            .subquery()
        )
        piled_up = (
            select(newest.c.routing_key)
            .where(newest.c.routing_key.in_(CALLS))
            .group_by(newest.c.routing_key)
            .having(func.count() >= most)
        )
        keys = (await self.connection.execute(piled_up)).scalars()
        return frozenset(CALLS[key] for key in keys)

    async def now(self) -> datetime:
        """The database's clock."""
        [found] = await NOW.run(self.connection)
        now: datetime = found["now"]
        return now
