"""Publisher's unit of work: common's transaction with publisher's queries on it."""

from datetime import datetime

from sqlalchemy import func, select

from common.db.unit_of_work import OUTBOX, UnitOfWork
from publisher.db.due import DueRows
from publisher.db.pauses import PauseRows
from publisher.db.readmodels import ConnectionRows, PlanRows, TimelineRows
from publisher.db.repositories import PublicationRows


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

    async def lock_user(self, user_id: str, *, shared: bool) -> None:
        """An advisory lock, because there may be no row yet."""
        lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        await self.connection.execute(select(lock(func.hashtextextended(f"user {user_id}", 0))))

    async def unsent(self, most: int) -> int:
        """How many facts wait for the relay, counted up to `most`."""
        waiting = select(OUTBOX.c.id).where(OUTBOX.c.sent_at.is_(None)).limit(most).subquery()
        counted = await self.connection.execute(select(func.count()).select_from(waiting))
        return int(counted.scalar_one())

    async def now(self) -> datetime:
        """The database's clock."""
        found: datetime = (
            await self.connection.execute(select(func.clock_timestamp()))
        ).scalar_one()
        return found
