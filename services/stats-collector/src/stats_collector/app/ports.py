"""What the use cases need from outside; wiring.py makes the objects that fit."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from common.contracts.envelope import Event
from common.contracts.words import Platform
from stats_collector.domain.policy import Policy
from stats_collector.domain.reasons import Reason
from stats_collector.domain.schedule import Schedule
from stats_collector.domain.series import Series
from stats_collector.domain.summary import Grouping, Line, Period
from stats_collector.domain.watch import Sample, Watch


@dataclass(frozen=True, slots=True)
class Claim:
    """Due watches of one connection, ours until the lease runs out."""

    lease: UUID
    platform: Platform
    connection_id: UUID
    connection_version: int
    """The last event heard of the connection when it was claimed."""
    watches: tuple[Watch, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """One line of the export."""

    sample: Sample
    platform: Platform
    connection_id: UUID


@dataclass(frozen=True, slots=True)
class Freshness:
    """How well sampling keeps up with the posts of a platform."""

    watched: int
    """Those that have rounds left and can be asked about now."""
    fresh: int
    """Those of them looked at, or first due, less than `every` ago."""


class Watches(Protocol):
    """What is watched, and when next."""

    async def add(self, watch: Watch) -> bool:
        """Start watching; False when it is watched already."""
        ...

    async def get(self, publication_id: UUID, user_id: str) -> Watch | None:
        """The user's own, or None."""
        ...

    async def pause(self, connection_id: UUID, why: Reason) -> None:
        """Nothing of this connection is due until it is resumed."""
        ...

    async def resume(self, connection_id: UUID) -> None:
        """Go on; what came due meanwhile is due now, what grew old meanwhile has ended."""
        ...

    async def claim(self, platform: Platform, most: int, lease: timedelta) -> Claim | None:
        """Take the most overdue connection's due watches, at most `most`; None when none is due.

        A connection that another worker is just claiming from is left to it: its posts are never
        split among more calls than they need."""
        ...

    async def held(self, claim: Claim) -> tuple[datetime, list[Watch]]:
        """The time and those of the claim that are still ours, locked."""
        ...

    async def release(self, settled: Sequence[tuple[Watch, datetime | None]]) -> None:
        """Write what became of held watches, and when each is due again; ends their lease."""
        ...

    async def freshness(self, schedule: Schedule) -> dict[Platform, Freshness]:
        """Of each platform of which anything is watched."""
        ...


class Samples(Protocol):
    """Every sample there ever was; nothing here is changed or deleted."""

    async def add(self, samples: Sequence[Sample]) -> None:
        """Keep samples; one that is there already stays as it is."""
        ...

    async def page(
        self, publication_id: UUID, series: Series, *, after: datetime | None, limit: int
    ) -> list[Sample]:
        """Of one publication, oldest first; for each hour or day the last sample that tells
        views, else the last one. `after` is the moment of the last sample shown."""
        ...

    async def summary(
        self, user_id: str, period: Period, grouping: Grouping, *, after: str | None, limit: int
    ) -> list[Line]:
        """Groups in the order of their keys."""
        ...

    async def export(
        self, user_id: str, *, after: tuple[UUID, datetime] | None, limit: int
    ) -> list[Exported]:
        """All of a user's, publication by publication, oldest first."""
        ...


class Connections(Protocol):
    """Whether a connection can be asked, as the latest of its events said."""

    async def hear(self, connection_id: UUID, version: int, paused: Reason | None) -> bool:
        """Remember; False when something newer was heard before."""
        ...

    async def hold(self, connection_id: UUID) -> Reason | None:
        """Why it can't be asked, if so. Nobody changes that until the transaction ends.

        Taken before the watches' own locks, always, or two transactions could wait for each other.
        """
        ...

    async def refused(self, connection_id: UUID, version: int) -> bool:
        """Its token is refused for good; False when something newer than `version` was heard."""
        ...


class Reading(Protocol):
    """A transaction that looks up numbers."""

    @property
    def watches(self) -> Watches: ...
    @property
    def samples(self) -> Samples: ...


class Writing(Reading, Protocol):
    """A transaction that samples or reacts."""

    @property
    def connections(self) -> Connections: ...
    @property
    def policy(self) -> Policy: ...

    def tell(self, event: Event, *, version: int) -> None:
        """Say a fact when the transaction commits."""
        ...


ReadingTransaction = Callable[[], AbstractAsyncContextManager[Reading]]
WritingTransaction = Callable[[], AbstractAsyncContextManager[Writing]]
