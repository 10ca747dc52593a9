"""What oauth-gateway tells: refreshes that went well or not. Never a token."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from common.contracts.envelope import Event
from common.contracts.words import Platform


class TokenEvent(Event):
    """Which connection's token."""

    source: ClassVar[str] = "oauth-gateway"
    about: ClassVar[str] = "connection_id"

    connection_id: UUID
    platform: Platform


class TokenRefreshed(TokenEvent):
    """A new access token lies in the vault."""

    type: ClassVar[str] = "TokenRefreshed.v1"

    expires_at: datetime | None


class TokenRefreshFailed(TokenEvent):
    """The platform refused; `definite` means that reconnecting is the only way.

    `grant_number` says which of the account's connects it was about, so that a late refusal does
    not expire an account that has been reconnected since.
    """

    type: ClassVar[str] = "TokenRefreshFailed.v1"

    definite: bool
    reason: str
    grant_number: int
