"""Publisher's unit of work: common's transaction with publisher's queries on it."""

from datetime import datetime

from sqlalchemy import func, select

from common.db.unit_of_work import UnitOfWork
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

    async def now(self) -> datetime:
        """The database's clock."""
        found: datetime = (
            await self.connection.execute(select(func.clock_timestamp()))
        ).scalar_one()
        return found
