"""What a platform is: how it connects, which steps publish, what it can tell afterwards."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, Literal, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, SecretStr

from common.contracts.words import Platform

C = TypeVar("C", bound=BaseModel)


# ── connecting ───────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Account:
    """Who was connected, as the platform names it. `id` is stable and never reused."""

    id: str
    name: str
    avatar_url: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a platform gave us: tokens and rights. Lives in memory and sealed in the vault only.

    `refresh_token` None means "nothing new": a stored one is kept. `expires_in` None means that
    the token does not expire by time. `extras` are secrets the next call needs (VK `device_id`).
    """

    access_token: SecretStr
    refresh_token: SecretStr | None = None
    expires_in: timedelta | None = None
    granted: tuple[str, ...] = ()
    extras: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consent:
    """What came back on the callback, with what we remembered at the start of the flow."""

    code: SecretStr
    state: str
    verifier: SecretStr
    redirect_uri: str
    device_id: str


class OAuth(Protocol):
    """Connecting by the platform's own consent page (VK, Дзен)."""

    def authorize_url(
        self, *, state: str, challenge: str, redirect_uri: str, device_id: str
    ) -> str:
        """The platform's page where the owner says yes (PKCE S256 challenge)."""
        ...

    async def exchange(self, consent: Consent) -> Grant:
        """Trade the code for tokens, once.

        Raises AccessRevoked when the code is refused, ScopeMissing when rights are missing,
        OutcomeUnknown when no answer came (the code may be used up: start again).
        """
        ...

    async def identify(self, grant: Grant) -> Account:
        """Read whose tokens these are."""
        ...

    async def refresh(self, grant: Grant) -> Grant:
        """Trade the refresh token. Raises AccessRevoked when it is refused for good."""
        ...

    async def revoke(self, grant: Grant) -> None:
        """Give the rights back, best effort."""
        ...


class Pasted(Protocol):
    """Connecting by a token that the owner pastes (Rutube, Telegram)."""

    async def verify(self, token: SecretStr, *, channel: str | None) -> tuple[Account, Grant]:
        """Prove that the token works and may post. Raises TokenExpired, NoRight, Unavailable."""
        ...


class Checker(Protocol):
    """Asking whether an access token still works."""

    async def check(self, token: SecretStr, account_id: str) -> None:
        """Return when accepted. Only TokenExpired, AccessRevoked and NoRight mean "refused"."""
        ...


# ── publishing ───────────────────────────────────────────────────────────────────────────────
class Media(Protocol):
    """The clip's bytes; opened anew for each attempt, never held in memory."""

    @property
    def name(self) -> str:
        """A file name for the platform."""
        ...

    @property
    def size(self) -> int:
        """Bytes, exact."""
        ...

    @property
    def sha256(self) -> str | None:
        """Hex, when known."""
        ...

    @property
    def duration(self) -> float:
        """Seconds; 0 when unknown."""
        ...

    @property
    def width(self) -> int:
        """Pixels; 0 when unknown."""
        ...

    @property
    def height(self) -> int:
        """Pixels; 0 when unknown."""
        ...

    def stream(self) -> AsyncIterator[bytes]:
        """The whole file in pieces of 1 MiB. Raises MediaChanged or MediaMissing (common)."""
        ...

    def link(self) -> str:
        """A signed, expiring address from which the platform itself can fetch the file.

        The part before `?` is the same for every attempt of one publication.
        """
        ...


@dataclass(frozen=True, slots=True)
class Job(Generic[C]):
    """All that one step may know."""

    publication_id: UUID
    account_id: str
    title: str
    description: str
    options: Mapping[str, Any]
    created_at: datetime
    begun_at: datetime
    """When the step in doubt was begun; for a fresh call: now."""
    media: Media
    token: SecretStr
    cursor: C
    progress: Callable[[int], Awaitable[None]]
    """Told how many bytes of the upload have been sent."""
    now: Callable[[], datetime]
    """The time by which all of us go: a worker's own clock may be an hour off."""


@dataclass(frozen=True, slots=True)
class Next(Generic[C]):
    """The step is done; this is what the following ones need."""

    cursor: C


@dataclass(frozen=True, slots=True)
class Wait(Generic[C]):
    """Not ready yet: run this step again after a while. Waiting is not failing."""

    cursor: C
    after: timedelta
    why: str = "processing"


@dataclass(frozen=True, slots=True)
class Published:
    """The platform shows the post at `url`."""

    post_id: str
    url: str


Outcome = Next[C] | Wait[C] | Published


class Guard(StrEnum):
    """What may be done when it is unknown whether a step was carried out."""

    REPEATABLE = "repeatable"
    CHECKED = "checked"
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Step(Generic[C]):
    """One named, guarded call. Names live in rows: never rename a step."""

    name: str
    guard: Guard
    act: Callable[[Job[C]], Awaitable[Outcome[C]]]
    look: Callable[[Job[C]], Awaitable[Outcome[C] | None]] | None = None
    """Asks the platform whether `act` happened; None means surely not. Raises Unavailable,
    RateLimited while the platform may not show it yet, OutcomeUnknown when it can't tell."""
    undo: Callable[[Job[C]], Awaitable[None]] | None = None
    """Takes back what `act` did, while nothing is visible yet."""
    visible: bool = False
    """After this step people can see the post: a cancel comes too late."""

    def __post_init__(self) -> None:
        if self.visible and self.guard is Guard.REPEATABLE:
            # A lost answer would leave nothing that says so, and a cancel would be confirmed.
            raise ValueError(f"{self.name}: what people can see is checked, or done once")


def repeatable(
    name: str,
    act: Callable[[Job[C]], Awaitable[Outcome[C]]],
    *,
    undo: Callable[[Job[C]], Awaitable[None]] | None = None,
) -> Step[C]:
    """Doing this twice has the effect of doing it once, and nobody can see it."""
    return Step(name, Guard.REPEATABLE, act, undo=undo)


def checked(
    name: str,
    act: Callable[[Job[C]], Awaitable[Outcome[C]]],
    *,
    look: Callable[[Job[C]], Awaitable[Outcome[C] | None]],
    undo: Callable[[Job[C]], Awaitable[None]] | None = None,
    visible: bool = False,
) -> Step[C]:
    """Never repeated before `look` said that it did not happen."""
    return Step(name, Guard.CHECKED, act, look=look, undo=undo, visible=visible)


def once(
    name: str, act: Callable[[Job[C]], Awaitable[Outcome[C]]], *, visible: bool = False
) -> Step[C]:
    """Can't be repeated and can't be looked up: in doubt a person decides."""
    return Step(name, Guard.ONCE, act, visible=visible)


class Publishing(Protocol[C]):
    """How a clip becomes a post: a list of steps over one small cursor."""

    cursor: type[C]

    def steps(self) -> Sequence[Step[C]]:
        """The steps in order."""
        ...


# ── statistics ───────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Numbers:
    """Counters as the platform tells them; None where it does not tell, never 0 instead."""

    views: int | None = None
    likes: int | None = None
    shares: int | None = None
    comments: int | None = None
    gone: bool = False
    """The post is deleted or blocked on the platform, or not shown even to its owner."""
    private: bool = False
    """Only its owner can see it now; whether the owner published it so is not for the adapter to
    know. Counters are kept as told; what is gone is never called private."""
    processing: bool = False
    """The platform is processing the post again (re-encoding, a second moderation); what it
    counts meanwhile is not told: every counter is None, and the post is not gone."""


class Stats(Protocol):
    """Reading the counters of posts of one account."""

    batch: int
    """How many posts one call may ask for."""
    source: str
    """Which call the numbers come from."""

    async def read(
        self, token: SecretStr, account_id: str, post_ids: Sequence[str]
    ) -> Mapping[str, Numbers]:
        """One entry per post id asked for."""
        ...


# ── the whole ────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Limits:
    """What one publication may be. Lengths in `unit`s; `joined` limits title and text together."""

    file_bytes: int
    title: int
    description: int
    upload_timeout: timedelta
    joined: int | None = None
    unit: str = "characters"


@dataclass(frozen=True, slots=True)
class Adapter:
    """One platform, plugged in."""

    platform: Platform
    title: str
    experimental: bool
    limits: Limits
    options: type[BaseModel]
    connect: Literal["oauth", "token"]
    """How an owner connects an account; told also where nobody can be connected."""
    checker: Checker
    publishing: Publishing[Any]
    oauth: OAuth | None = None
    pasted: Pasted | None = None
    stats: Stats | None = None
