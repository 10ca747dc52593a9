"""What connections tells: accounts come, go and fall ill."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from common.contracts.envelope import Event
from common.contracts.words import Platform


class ConnectionEvent(Event):
    """Which account of which user."""

    source: ClassVar[str] = "connections"
    about: ClassVar[str] = "connection_id"

    connection_id: UUID
    user_id: str
    platform: Platform


class PlatformConnected(ConnectionEvent):
    """An account was linked, or linked again after it had expired."""

    type: ClassVar[str] = "PlatformConnected.v1"

    account_id: str
    account_name: str


class PlatformDisconnected(ConnectionEvent):
    """The user removed the account: stop, and erase its tokens up to `grant_number`."""

    type: ClassVar[str] = "PlatformDisconnected.v1"

    grant_number: int


class ConnectionExpired(ConnectionEvent):
    """The platform refused the tokens for good; only reconnecting helps."""

    type: ClassVar[str] = "ConnectionExpired.v1"

    reason: str
    expired_at: datetime
