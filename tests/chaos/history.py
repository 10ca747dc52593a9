"""What is known when a run is over: what was promised, what was written, what the platforms saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Accepted:
    """A publication for which a person got the answer 202."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """What a person was told about a wish to cancel, and when the answer had been read."""

    id: str
    verdict: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """A publication as it stands in publisher's database."""

    id: str
    user_id: str
    platform: str
    title: str
    status: str
    version: int
    schedule_at: datetime | None = None
    post_id: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a publication's timeline."""

    at: datetime
    kind: str
    status: str
    step: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One entry of the platforms' ledger."""

    platform: str
    post_id: str
    title: str
    at: datetime
    deleted_at: datetime | None = None
    fetched: bool = True
    """False: Rutube has taken the order, but never got the file."""

    @property
    def seen(self) -> bool:
        """Whether people could ever see it. Rutube enters an order before it has the file and marks
        it deleted when it never gets one; every other entry is a post from the start."""
        return self.fetched or self.deleted_at is None

    @property
    def there(self) -> bool:
        """Whether it is there now."""
        return self.deleted_at is None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a platform's API; bytes to an upload host are none."""

    platform: str
    step: str
    at: datetime
    account: str | None = None
    chat: str | None = None
    throttled: bool = False
    """The platform itself, without an order, said that this was too much."""


@dataclass(frozen=True, slots=True)
class Death:
    """A process of ours was killed or frozen."""

    at: datetime
    process: str
    how: Literal["kill", "freeze"]
    platforms: frozenset[str]
    """Whose publications it may have had in hand; empty for all but workers of publisher."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A pace that was set: so many calls a second for each `of`."""

    name: str
    platform: str
    per_second: float
    of: Literal["platform", "account", "chat"]


@dataclass(frozen=True, slots=True)
class History:
    """Everything the checker looks at."""

    accepted: Sequence[Accepted] = ()
    cancels: Sequence[Cancel] = ()
    rows: Sequence[Row] = ()
    timelines: Mapping[str, Sequence[Line]] = field(default_factory=dict)
    posts: Sequence[Post] = ()
    calls: Sequence[Call] = ()
    deaths: Sequence[Death] = ()
    rates: Sequence[Rate] = ()
    unsent: Mapping[str, int] = field(default_factory=dict)
    """Facts that no relay has sent, by service."""
    left: Mapping[str, int] = field(default_factory=dict)
    """Messages in queues of work, by queue."""
