"""This service's transactions: one for readers, one that samples and reacts."""

from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncEngine

from common.db.unit_of_work import UnitOfWork
from stats_collector.db.connections import Connections
from stats_collector.db.samples import Samples
from stats_collector.db.watches import Watches
from stats_collector.domain.policy import Policy


class ReadingUow(UnitOfWork):
    """Looks up numbers."""

    @cached_property
    def watches(self) -> Watches:
        """What is watched."""
        return Watches(self.connection)

    @cached_property
    def samples(self) -> Samples:
        """What was seen."""
        return Samples(self.connection)


class WritingUow(ReadingUow):
    """Samples and reacts, by a policy."""

    def __init__(self, engine: AsyncEngine, policy: Policy) -> None:
        super().__init__(engine)
        self.policy = policy

    @cached_property
    def connections(self) -> Connections:
        """What was heard of connections."""
        return Connections(self.connection)
