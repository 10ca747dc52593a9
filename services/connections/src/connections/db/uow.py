"""This service's transaction: its rows on the connection that also carries outbox and inbox."""

from datetime import datetime
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine

from common.clock import Clock
from common.db.unit_of_work import UnitOfWork
from connections.db.repositories import ConnectionRows, PlanRows


class ConnectionsUow(UnitOfWork):
    """Opens with its repositories; commits when left."""

    connections: ConnectionRows
    plans: PlanRows

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        super().__init__(engine)
        self._clock = clock

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.connections = ConnectionRows(self.connection)
        self.plans = PlanRows(self.connection)
        return self

    def now(self) -> datetime:
        """The present instant."""
        return self._clock.now()
