"""What is written down about tokens: who did what with which connection, never a secret."""

from enum import StrEnum
from typing import Protocol
from uuid import UUID

from common.contracts.words import Platform

OURSELVES = "oauth-gateway"
OPERATOR = "operator"


class Action(StrEnum):
    """`lease` is the opening of a token for use; `revoke` was agreed to by the platform."""

    CONNECT = "connect"
    RECONNECT = "reconnect"
    LEASE = "lease"
    REFRESH = "refresh"
    REFUSE = "refuse"
    DISCONNECT = "disconnect"
    REVOKE = "revoke"
    ERASE = "erase"
    RESEAL = "reseal"


class Subject(Protocol):
    """Whatever names a connection."""

    @property
    def connection_id(self) -> UUID:
        """Which one."""
        ...

    @property
    def platform(self) -> Platform:
        """Where its account is."""
        ...
