"""This service's transactions: one for readers, one that samples and reacts."""

from functools import cached_property

from sqlalchemy import func, literal
from sqlalchemy.ext.asyncio import AsyncEngine

from common.clock import Clock
from common.db.unit_of_work import UnitOfWork
from stats_collector.db.connections import Connections
from stats_collector.db.samples import Samples
from stats_collector.db.watches import Watches
from stats_collector.domain.policy import Policy


class ReadingUow(UnitOfWork):
    """Looks up numbers. PostgreSQL tells the time, for all workers alike, unless a clock does."""

    def __init__(self, engine: AsyncEngine, clock: Clock | None = None) -> None:
        super().__init__(engine)
        self._now = func.now() if clock is None else literal(clock.now())

    @cached_property
    def watches(self) -> Watches:
        """What is watched."""
        return Watches(self.connection, self._now)

    @cached_property
    def samples(self) -> Samples:
        """What was seen."""
        return Samples(self.connection)


class WritingUow(ReadingUow):
    """Samples and reacts, by a policy."""

    def __init__(self, engine: AsyncEngine, policy: Policy, clock: Clock | None = None) -> None:
        super().__init__(engine, clock)
        self.policy = policy

    @cached_property
    def connections(self) -> Connections:
        """What was heard of connections."""
        return Connections(self.connection)
