"""Borrows access tokens from oauth-gateway, the only holder of secrets."""

from uuid import UUID

from pydantic import SecretStr

from common.http.internal import InternalClient, ServiceUnavailable
from stats_collector.app.ports import AccessToken, ConnectionGone, TokensUnavailable


class HttpTokens:
    """The port of app over the internal API; a token lives in memory for one batch only."""

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    async def lease(
        self, connection_id: UUID, *, refused_version: int | None = None
    ) -> AccessToken:
        """A token that should work now."""
        body = {} if refused_version is None else {"refused_version": refused_version}
        path = f"/internal/v1/credentials/{connection_id}/access-token"
        try:
            status, answer = await self._client.call("POST", path, body)
        except ServiceUnavailable as error:
            raise TokensUnavailable(str(error)) from None
        match status:
            case 200:
                return AccessToken(SecretStr(answer["access_token"]), answer["version"])
            case 410:
                raise ConnectionGone
            case _:
                raise TokensUnavailable(f"oauth-gateway: {status}")
