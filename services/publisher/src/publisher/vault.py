"""Tokens on loan from oauth-gateway, held in memory until the platform or time ends them."""

import time
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr

from common.http.internal import InternalClient, ServiceUnavailable
from publisher.app.ports import ConnectionLost, Token, VaultUnavailable

KEEP_SECONDS = 60.0
"""A token is asked for again after this long, so that a disconnect is noticed soon."""
SPARE_SECONDS = 30.0


class VaultTokens:
    """app.ports.Tokens over the internal API."""

    def __init__(self, client: InternalClient) -> None:
        self._client = client
        self._kept: dict[UUID, tuple[Token, float]] = {}

    async def lease(self, connection_id: UUID, *, refused: int | None = None) -> Token:
        """A token; with `refused`, one that is newer than the refused version."""
        kept = self._kept.get(connection_id)
        if refused is None and kept is not None and time.monotonic() < kept[1]:
            return kept[0]
        self._kept.pop(connection_id, None)
        body = {} if refused is None else {"refused_version": refused}
        path = f"/internal/v1/credentials/{connection_id}/access-token"
        try:
            status, answer = await self._client.call("POST", path, body)
        except ServiceUnavailable as error:
            raise VaultUnavailable(str(error)) from None
        if status == 410:
            raise ConnectionLost(str(answer.get("code", "")))
        if status != 200:
            raise VaultUnavailable(f"oauth-gateway: {status}")
        token = Token(SecretStr(answer["access_token"]), int(answer["version"]))
        self._kept[connection_id] = (token, time.monotonic() + _life(answer.get("expires_at")))
        if len(self._kept) > 10_000:
            self._kept.clear()
        return token


def _life(expires_at: str | None) -> float:
    if expires_at is None:
        return KEEP_SECONDS
    left = datetime.fromisoformat(expires_at).timestamp() - time.time() - SPARE_SECONDS
    return min(KEEP_SECONDS, left)
