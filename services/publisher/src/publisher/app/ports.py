"""What the use cases need from outside. Objects that fit are made in wiring.py."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from common.contracts.envelope import Event
from common.contracts.words import Plan, Platform
from platforms.port import Media
from publisher.app.pauses import Pauses
from publisher.domain.burst import Burst
from publisher.domain.publication import Connection, Publication
from publisher.domain.states import Status


class DuplicatePublication(Exception):
    """The same clip is already on its way to the same connection."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which publications a list shows; None does not filter."""

    status: Status | None = None
    platform: Platform | None = None
    connection_id: UUID | None = None
    clip_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What the timeline says of a change."""

    kind: str
    step: str | None = None
    detail: str | None = None


class Publications(Protocol):
    """The rows. Every change is one conditional UPDATE; None means that somebody was faster."""

    async def add(self, publications: Sequence[Publication], kind: str) -> None:
        """Insert each, with its first line, in the trace of its own request. Raises
        DuplicatePublication."""
        ...

    async def get(self, publication_id: UUID, user_id: str) -> Publication | None:
        """One of the user's own."""
        ...

    async def lock(self, publication_id: UUID, user_id: str) -> Publication | None:
        """The same, locked until the transaction ends."""
        ...

    async def page(
        self, user_id: str, filters: Filters, *, before: UUID | None, limit: int
    ) -> list[Publication]:
        """Newest first."""
        ...

    async def is_active(self, connection_id: UUID, clip_id: str) -> bool:
        """Whether this clip is on its way to this account, or nobody knows whether it got there."""
        ...

    async def change(
        self,
        publication: Publication,
        *,
        to: Status | None = None,
        after: timedelta | None = None,
        fenced: bool = False,
        release: bool = False,
        woken: bool = False,
        shown: bool = False,
        line: Line | Sequence[Line] = (),
        **columns: Any,  # noqa: ANN401 - column values
    ) -> Publication | None:
        """Write columns, if the row still has the publication's status (and, if `fenced`,
        its fence and a lease).

        `to` moves the status along the table of states; `after` sets when it is due again;
        `release` gives the lease back; `woken` says that a worker is called in this transaction;
        `shown` tells people as well when it goes on; what `line` says goes into the timeline with
        the change, or not at all. What is published is so from this moment.
        Raises IllegalMove, DuplicatePublication.
        """
        ...

    async def under_way(
        self,
        *statuses: Status,
        user_id: str | None = None,
        connection_id: UUID | None = None,
    ) -> list[Publication]:
        """Those with one of these statuses, locked."""
        ...

    async def remember_stats(self, publication_id: UUID, version: int, **columns: Any) -> None:  # noqa: ANN401 - column values
        """Newer counters win; an older version changes nothing."""
        ...

    async def changed_since(
        self, user_id: str, since: datetime, *, beyond: UUID, limit: int
    ) -> list[Publication]:
        """For the stream: what changed after `since`, or then with an id beyond `beyond`, oldest
        change first."""
        ...


class Due(Protocol):
    """The rows as a queue: the table is the truth, and messages only call somebody to look at it.

    "Claimable" is: publishing, due, held by nobody (domain/rules.py), not paused, and its account
    not resting.
    """

    async def start(self, limit: int) -> list[Publication]:
        """Move scheduled ones whose time has come to publishing, the longest overdue first, if
        their account is well; marked as called for, and noted. In the order of their time."""
        ...

    async def stuck(self, limit: int) -> list[Publication]:
        """Scheduled ones whose time has come and whose account is not well; locked."""
        ...

    async def next_in_turn(
        self, platform: Platform, after: str, *, quarantine: timedelta, counted: bool = False
    ) -> UUID | None:
        """The claimable one whose turn it is, locked: users take turns, so that one with a thousand
        does not hold up one with a single one. `after` is the user who had the last turn.
        `counted`: until the transaction ends nobody else chooses one of the same account, and one
        of an account at which another one is gives way to those of others."""
        ...

    async def claim(
        self,
        publication_id: UUID,
        *,
        lease: timedelta,
        quarantine: timedelta,
        burst: Burst | None = None,
    ) -> Publication | None:
        """Take it under a lease and a new fence, and note it; None when it is not claimable, or
        when it is new and its account has had as many new ones as `burst` allows.

        A lease that ran out counts as free only after `quarantine`, when whoever held it can't be
        sending any more.
        """
        ...

    async def beyond(self, publication_id: UUID, burst: Burst) -> Publication | None:
        """The publication, if it is new and its account has had as many as `burst` allows: within
        its time, and since the account was resumed last."""
        ...

    async def renew(self, publication: Publication, lease: timedelta) -> bool:
        """Hold the lease for longer; False when it was lost."""
        ...

    async def call(
        self, limit: int, platforms: Collection[Platform], *, quarantine: timedelta
    ) -> list[Publication]:
        """Claimable ones for which nobody was called yet, now marked as called for."""
        ...

    async def call_again(
        self, platforms: Collection[Platform], *, quarantine: timedelta, again_after: timedelta
    ) -> list[Publication]:
        """The first claimable one in turn of each of these, and the first that is seen to even
        while paused, if it was called for `again_after` ago; marked anew. One is enough: a worker
        goes on by itself while anything is due."""
        ...


class Connections(Protocol):
    """What publisher remembers of connections."""

    async def get(self, connection_id: UUID, user_id: str) -> Connection | None:
        """One of the user's own that is not removed."""
        ...

    async def aimed_at(
        self, connection_id: UUID, user_id: str, clip_id: str
    ) -> tuple[Connection, bool] | None:
        """The same, and whether this clip is on its way to it (see Publications.is_active)."""
        ...

    async def of_user(self, user_id: str, platform: Platform) -> list[Connection]:
        """All of a platform that are not removed."""
        ...

    async def remember(self, connection: Connection) -> bool:
        """Insert or update; False when a newer version is known.

        An empty `account_id` leaves the account to the event that names it, however late it comes.
        """
        ...

    async def rest(self, connection_id: UUID, until: datetime) -> None:
        """Nothing of this account is claimed before then."""
        ...


class Plans(Protocol):
    """The latest PlanChanged of each user."""

    async def get(self, user_id: str) -> tuple[Plan, datetime] | None:
        """The plan and since when."""
        ...

    async def remember(self, user_id: str, plan: Plan, changed_at: datetime) -> bool:
        """False when a newer one is known."""
        ...


class Timeline(Protocol):
    """What happened to a publication, appended and never changed."""

    async def note(
        self,
        publication: Publication,
        kind: str,
        *,
        step: str | None = None,
        detail: str | None = None,
    ) -> None:
        """One line, with the present status, attempt and trace."""
        ...

    async def told_since(self, publication: Publication) -> datetime | None:
        """Since when all it has been is told to wait by the platform; None when it was not."""
        ...

    async def page(
        self, publication_id: UUID, *, after: int, limit: int
    ) -> list[Mapping[str, Any]]:
        """Oldest first."""
        ...


class Uow(Protocol):
    """One open transaction."""

    @property
    def publications(self) -> Publications: ...
    @property
    def due(self) -> Due: ...
    @property
    def connections(self) -> Connections: ...
    @property
    def plans(self) -> Plans: ...
    @property
    def timeline(self) -> Timeline: ...
    @property
    def pauses(self) -> Pauses: ...

    async def now(self) -> datetime:
        """The database's clock, by which everything due is decided."""
        ...

    async def lock_user(self, user_id: str, *, shared: bool) -> datetime:
        """Until the transaction ends, nobody changes what this user may do (or uses it, if not
        `shared`): a request and the news that forbids it can't pass each other unseen. Answers the
        database's clock as it is then."""
        ...

    async def deaf(self, most: int) -> frozenset[Platform]:
        """Platforms whose queue does not take calls: `most` of them or more wait for the relay."""
        ...

    def tell(self, event: Event, *, version: int) -> None:
        """Say a fact once the transaction commits."""
        ...

    def then(self, do: Callable[[], None]) -> None:
        """Do something once the transaction has committed, such as counting or logging."""
        ...


class Transaction(Protocol):
    """Opens a unit of work; leaving it commits."""

    def __call__(self) -> AbstractAsyncContextManager[Uow]: ...


T = TypeVar("T")


class Writes(Protocol):
    """Commits a small write, maybe together with others'. It may be done twice, the first time in
    vain, so it touches nothing but its transaction."""

    async def __call__(self, write: Callable[[Uow], Coroutine[Any, Any, T]]) -> T: ...


class MediaSources(Protocol):
    """Opens a publication's media."""

    def open(self, publication: Publication) -> Media:
        """Nothing is read yet; `stream` raises MediaMissing or MediaChanged."""
        ...
