"""Access tokens on loan from oauth-gateway, the only holder of secrets."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from pydantic import SecretStr


class ConnectionLost(Exception):
    """The vault has no working token for this connection: only reconnecting helps."""


class VaultUnavailable(Exception):
    """No token can be had right now; that says nothing about the connection."""


@dataclass(frozen=True, slots=True)
class Token:
    """A short-lived access token, held in memory only."""

    value: SecretStr
    version: int


class Tokens(Protocol):
    """Lends access tokens."""

    async def lease(self, connection_id: UUID, *, refused: int | None = None) -> Token:
        """A token; `refused` names the version that the platform did not accept.

        Raises ConnectionLost, VaultUnavailable.
        """
        ...
