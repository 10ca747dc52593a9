"""What the use cases need from outside: rows, the gateway that holds the tokens, the catalogue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol
from uuid import UUID

from pydantic import SecretStr

from common.contracts.envelope import Event
from common.contracts.words import Platform
from connections.domain.connection import Connection, Link
from connections.domain.plans import PlanWord


class Connections(Protocol):
    """Rows of linked accounts. Reads for people are scoped by owner; foreign ids find nothing."""

    async def find(self, user_id: str, connection_id: UUID) -> Connection | None:
        """A live connection of this user."""
        ...

    async def page(self, user_id: str, before: UUID | None, limit: int) -> Sequence[Connection]:
        """Live connections of this user with ids below `before`, newest first."""
        ...

    async def lock(self, connection_id: UUID) -> Connection | None:
        """Whoever's it is, removed or not, held until the transaction ends."""
        ...

    async def add(self, connection: Connection) -> bool:
        """False when a row with this id has come into being meanwhile."""
        ...

    async def save(self, connection: Connection) -> None:
        """Write every field of a locked row."""
        ...


class Plans(Protocol):
    """The host product's latest word about each user."""

    async def find(self, user_id: str) -> PlanWord | None:
        """What was heard last."""
        ...

    async def remember(self, user_id: str, word: PlanWord) -> None:
        """Keep it, unless a newer word is known."""
        ...


class Uow(Protocol):
    """One transaction; whoever opened it commits."""

    @property
    def connections(self) -> Connections:
        """Linked accounts."""
        ...

    @property
    def plans(self) -> Plans:
        """Plans that were heard."""
        ...

    def now(self) -> datetime:
        """The present instant."""
        ...

    def tell(self, event: Event, *, version: int) -> None:
        """Say a fact once this transaction commits."""
        ...

    def then(self, do: Callable[[], None]) -> None:
        """Do something once this transaction has committed; `do` must not raise."""
        ...


@dataclass(frozen=True, slots=True)
class Flow:
    """A consent page to send the user to."""

    authorize_url: str
    expires_at: datetime


class CheckResult(StrEnum):
    """What the platform said about a token; unknown when it said nothing."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """The result, and why in a word."""

    result: CheckResult
    detail: str | None


class Gateway(Protocol):
    """oauth-gateway. Its refusals are raised as GatewayRefused, its silence as GatewaySilent.

    A refusal is explained in `language`, `ru` or `en`.
    """

    async def start_flow(
        self,
        platform: Platform,
        user_id: str,
        connection_id: UUID | None,
        return_to: str | None,
        language: str,
    ) -> Flow:
        """Begin a consent."""
        ...

    async def finish_flow(self, finish: str, user_id: str, language: str) -> Link:
        """Trade what came back from the consent for tokens, once."""
        ...

    async def store_token(
        self,
        connection_id: UUID,
        platform: Platform,
        user_id: str,
        token: SecretStr,
        channel: str | None,
        language: str,
    ) -> Link:
        """Verify a pasted token and keep it. A known account keeps its own id."""
        ...

    async def check(self, connection_id: UUID) -> CheckAnswer:
        """Ask the platform whether the token still works."""
        ...


@dataclass(frozen=True, slots=True)
class PlatformFacts:
    """What people are told about a platform before they connect it."""

    platform: Platform
    title: str
    connect: Literal["oauth", "token"]
    experimental: bool
    file_bytes: int
    title_length: int
    description_length: int
    joined_length: int | None
    unit: str
    options_schema: Mapping[str, Any]


Catalogue = Mapping[Platform, PlatformFacts]
"""The platforms that are switched on here."""
