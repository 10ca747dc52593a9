"""Rutube's API on the wire: JSON, `Authorization: Token` (platforms/rutube.md §1)."""

from typing import Any

from pydantic import SecretStr

from common.contracts.words import Platform
from platforms.answers import text
from platforms.calls import Gate
from platforms.http import Http
from platforms.rest import RestApi
from platforms.rutube.errors import refusal

PAGE = 50


class RutubeClient:
    """The calls we use. There is no upload call: Rutube fetches the file itself."""

    def __init__(self, http: Http, base: str, gate: Gate) -> None:
        self._api = RestApi(http, Platform.RUTUBE, base, "Token", gate, refusal)

    async def create(self, token: SecretStr, account: str, **fields: object) -> str:
        """`POST /api/video/`: the new video's id. Every call makes another video."""
        answer = await self._api.send(
            "create", "POST", "/api/video/", token, account, json=fields, write=True
        )
        video_id = text(self._api.read(answer).get("video_id"))
        if video_id is None:
            raise answer.unclear("no video_id")
        return video_id

    async def video(self, token: SecretStr, account: str, video_id: str) -> dict[str, Any] | None:
        """One video as its owner sees it; None for 404."""
        answer = await self._api.send(
            "video", "GET", "/api/video/{id}/", token, account, video=video_id
        )
        return None if answer.status == 404 else self._api.read(answer)

    async def delete(self, token: SecretStr, account: str, video_id: str) -> None:
        """Delete a video; one that is not there any more counts as deleted."""
        answer = await self._api.send(
            "delete", "DELETE", "/api/video/{id}/", token, account, video=video_id
        )
        if answer.status != 404:
            self._api.accept(answer)

    async def own(
        self, token: SecretStr, account: str | None, *, page: int = 1, limit: int = PAGE
    ) -> tuple[list[dict[str, Any]], bool]:
        """A page of own videos, newest first, and whether there are more."""
        answer = await self._api.send(
            "own", "GET", "/api/video/person/", token, account,
            params={"page": str(page), "limit": str(limit)},
        )  # fmt: skip
        body = self._api.read(answer)
        results = body.get("results")
        if not isinstance(results, list):
            raise answer.unclear("no results")
        return [item for item in results if isinstance(item, dict)], bool(body.get("has_next"))

    async def profile(self, token: SecretStr) -> dict[str, Any]:
        """The own profile (undocumented: callers do without it)."""
        return self._api.read(
            await self._api.send("profile", "GET", "/api/profile/user/", token, None)
        )

    async def votes(self, token: SecretStr, account: str, video_id: str) -> dict[str, Any] | None:
        """Likes and dislikes; None for 404."""
        answer = await self._api.send(
            "votes", "GET", "/api/numerator/video/{id}/vote", token, account,
            video=video_id, params={"client": "wdp"},
        )  # fmt: skip
        return None if answer.status == 404 else self._api.read(answer)
