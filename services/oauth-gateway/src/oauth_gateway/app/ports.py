"""What the use cases need from outside, as they need it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, Self
from uuid import UUID

from common.clock import Clock
from common.contracts.envelope import Event
from common.contracts.words import Platform
from oauth_gateway.app.underway import Underway
from oauth_gateway.domain.audit import OURSELVES, Action, Subject
from oauth_gateway.domain.credential import Credential, Resealed, Sealed, Times
from oauth_gateway.domain.flow import Consented, Flow
from platforms.port import Adapter, Grant


class Credentials(Protocol):
    """The rows. Leases and due times are decided by the database's clock."""

    async def get(self, connection_id: UUID) -> Credential | None:
        """One row, whatever its status."""
        ...

    async def hold_account(
        self, user_id: str, platform: Platform, account_id: str
    ) -> Credential | None:
        """The row of an account, if there is one; nobody else stores it until the transaction
        ends."""
        ...

    async def add(self, credential: Credential, times: Times) -> None:
        """A new row."""
        ...

    async def replace(self, credential: Credential, times: Times) -> None:
        """A new grant in an old row: active again, and every lease on it is void."""
        ...

    async def claim_refresh(self, connection_id: UUID, version: int, lease: UUID) -> bool:
        """Take the lease for renewing this version; False when it is taken or out of date."""
        ...

    async def keep_refreshed(
        self,
        connection_id: UUID,
        version: int,
        sealed: Sealed,
        granted: tuple[str, ...],
        times: Times,
    ) -> bool:
        """Store what came for this version and free the row; False when it is out of date."""
        ...

    async def pause(self, connection_id: UUID, lease: UUID, wait: timedelta) -> None:
        """Give the lease back, but let nobody try again for a while."""
        ...

    async def refuse(self, connection_id: UUID, version: int) -> bool:
        """Mark this version refused for good; False when it is out of date or marked already."""
        ...

    async def due(self, limit: int) -> Sequence[tuple[UUID, int]]:
        """Ids and versions of what has to be renewed ahead of time."""
        ...


class Erasing(Protocol):
    """The rows on their way out."""

    async def mark_erasing(self, connection_id: UUID, grant_number: int) -> bool:
        """Make everything up to this connect unusable at once, and due for erasing; False when
        there is nothing, or when it was marked before."""
        ...

    async def claim_erasing(self, lease: UUID) -> Credential | None:
        """Take one row that is due for erasing."""
        ...

    async def postpone_erasing(
        self, connection_id: UUID, lease: UUID, wait: timedelta, *, tried: bool
    ) -> bool:
        """Try again later; False when it was tried often enough. What could not even be tried
        does not count."""
        ...

    async def keep_renewed(
        self, credential: Credential, lease: UUID, sealed: Sealed, times: Times
    ) -> bool:
        """Store a new pair without letting go of the row; False when it is another's by now."""
        ...

    async def erase(self, connection_id: UUID, lease: UUID) -> bool:
        """Delete the row; False when it was connected again or renewed meanwhile."""
        ...

    async def shared(self, credential: Credential) -> bool:
        """Whether the same account of the platform is in use under another connection."""
        ...


class SealedCredentials(Protocol):
    """The rows by the keys that seal them."""

    async def keys(self) -> Sequence[bytes]:
        """The ids of all keys in use, and whatever damaged blobs have in their place."""
        ...

    async def count(self, key: bytes) -> int:
        """How many credentials are sealed under a key; damaged blobs are under none."""
        ...

    async def under(self, key: bytes, after: UUID, limit: int) -> Sequence[Credential]:
        """The next credentials under a key, in the order of their ids."""
        ...

    async def replace(self, fresh: Sequence[Resealed]) -> Sequence[Credential]:
        """Put new seals in place of exactly the ones that were read; which were still there."""
        ...

    async def keep_key(self, name: str, sealed: bytes) -> bytes:
        """The key of that name, which is the given one when there was none."""
        ...

    async def kept_key(self, name: str) -> bytes | None:
        """The key of that name."""
        ...

    async def replace_key(self, name: str, old: bytes, sealed: bytes) -> None:
        """Seal it anew, unless somebody else just did."""
        ...


class Work(Protocol):
    """One transaction."""

    @property
    def credentials(self) -> Credentials:
        """The rows."""
        ...

    @property
    def erasing(self) -> Erasing:
        """Those on their way out."""
        ...

    @property
    def sealed(self) -> SealedCredentials:
        """The rows by their keys."""
        ...

    async def note(self, actor: str, action: Action, *about: Subject) -> None:
        """Write down in this transaction what it does, once for each connection."""
        ...

    def tell(self, event: Event, *, version: int) -> None:
        """Say a fact once it commits."""
        ...


class Vault(Protocol):
    """Seals and opens tokens."""

    def seal(self, connection_id: UUID, platform: Platform, grant: Grant) -> Sealed:
        """Ciphertext for one row."""
        ...

    def nothing(self, connection_id: UUID, platform: Platform) -> Sealed:
        """Ciphertext of no token at all."""
        ...

    def open(self, credential: Credential) -> Grant:
        """Raises vault.box.Unreadable or UnknownKey."""
        ...


class Flows(Protocol):
    """Flows under way, each to be taken once. Everything here raises FlowsUnavailable."""

    async def start(self, state: str, flow: Flow) -> None:
        """Keep a flow for five minutes."""
        ...

    async def take_started(self, state: str) -> Flow | None:
        """The flow, which is then gone."""
        ...

    async def consent(self, finish: str, consented: Consented) -> None:
        """Keep a code for five minutes."""
        ...

    async def take_consented(self, finish: str) -> Consented | None:
        """The code and its flow, which are then gone."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a use case with network calls in between reaches the world through.

    `begin` opens one short transaction; no platform is ever called inside of one.
    """

    begin: Callable[[], AbstractAsyncContextManager[Work]]
    vault: Vault
    adapters: Mapping[Platform, Adapter]
    clock: Clock
    underway: Underway = field(default_factory=Underway)
    actor: str = OURSELVES
    """On whose behalf: one of our services, or the operator."""

    def by(self, actor: str) -> Self:
        """The same, on somebody's behalf."""
        return replace(self, actor=actor)

    def now(self) -> datetime:
        """The present instant."""
        return self.clock.now()
