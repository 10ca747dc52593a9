"""Tokens on loan over oauth-gateway's internal API."""

from uuid import UUID

from pydantic import SecretStr

from common.http.internal import InternalClient, ServiceUnavailable
from common.lending import ConnectionLost, Token, VaultUnavailable


class VaultTokens:
    """common.lending.Tokens: asked for each time, so a disconnect is felt at once."""

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    async def lease(self, connection_id: UUID, *, refused: int | None = None) -> Token:
        """A token; with `refused`, one that is newer than the refused version."""
        body = {} if refused is None else {"refused_version": refused}
        path = f"/internal/v1/credentials/{connection_id}/access-token"
        try:
            status, answer = await self._client.call("POST", path, body)
        except ServiceUnavailable as error:
            raise VaultUnavailable(str(error)) from None
        match status:
            case 200:
                return Token(SecretStr(answer["access_token"]), int(answer["version"]))
            case 410:
                raise ConnectionLost(str(answer.get("code", "")))
            case _:
                raise VaultUnavailable(f"oauth-gateway: {status}")
