"""A credential: the tokens of one account of one user, and when they have to be renewed."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from common.contracts.words import Platform

MARGIN = timedelta(seconds=60)
"""A token with less life than this is renewed before it is handed out."""
REFRESH_SHARE = 2 / 3
"""The part of a token's life after which it is renewed ahead of time."""


class Status(StrEnum):
    """`refused` and `erasing` tokens are never handed out."""

    ACTIVE = "active"
    REFUSED = "refused"
    ERASING = "erasing"


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext. None means that there is no such token."""

    access_token: bytes
    refresh_token: bytes | None
    extras: bytes


@dataclass(frozen=True, slots=True)
class Credential:
    """One row. `version` counts tokens, `grant_number` counts connects."""

    connection_id: UUID
    user_id: str
    platform: Platform
    account_id: str
    grant_number: int
    version: int
    status: Status
    sealed: Sealed
    granted: tuple[str, ...]
    expires_at: datetime | None
    paused: bool = False
    """A refresh has just failed: asking the platform again so soon would not help."""

    @property
    def refreshable(self) -> bool:
        """Pasted tokens and VK's former OAuth have nothing to refresh with."""
        return self.sealed.refresh_token is not None

    def expired(self, now: datetime, margin: timedelta = timedelta(0)) -> bool:
        """Whether the token's own time is over, or will be within `margin`."""
        return self.expires_at is not None and self.expires_at <= now + margin

    def doubtful(self, now: datetime, refused_version: int | None) -> bool:
        """Whether the token may not be handed out as it is."""
        return refused_version == self.version or self.expired(now, MARGIN)


@dataclass(frozen=True, slots=True)
class Resealed:
    """A credential as it was read, and the same secrets under another key."""

    credential: Credential
    sealed: Sealed


@dataclass(frozen=True, slots=True)
class Times:
    """When a token ends, and when it is to be renewed; None for never."""

    expires_at: datetime | None
    refresh_at: datetime | None


def times(now: datetime, life: timedelta | None, *, refreshable: bool) -> Times:
    """Jittered, so that accounts connected together are not refreshed together."""
    if life is None:
        return Times(None, None)
    share = REFRESH_SHARE * random.uniform(0.9, 1.0)  # noqa: S311 - spreads load, hides nothing
    return Times(now + life, now + life * share if refreshable else None)
