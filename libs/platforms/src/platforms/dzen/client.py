"""The assumed Дзен contract on the wire (platforms/dzen.md §2): experimental, never verified
against the real service, which has no public video API."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from common.contracts.words import Platform
from platforms.answers import Answer, part, text
from platforms.bodies import Progress, raw
from platforms.calls import Gate
from platforms.credentials import Header
from platforms.dzen.errors import refusal
from platforms.http import Http, Request
from platforms.port import Media
from platforms.rest import RestApi

CONFLICT = 409
NOT_FOUND = 404


class DzenClient:
    """The calls of the contract."""

    def __init__(self, http: Http, base: str, gate: Gate) -> None:
        self._api = RestApi(http, Platform.DZEN, base, "OAuth", gate, refusal)

    async def me(self, token: SecretStr, account: str | None = None) -> dict[str, Any]:
        """The channel that the token may publish to."""
        return self._api.read(await self._api.send("me", "GET", "/publisher/me", token, account))

    async def draft(
        self, token: SecretStr, account: str, title: str, description: str
    ) -> tuple[str, str]:
        """A new draft: its id and where to put the file. Readers don't see drafts."""
        fields = {"title": title, "description": description, "type": "short"}
        answer = await self._api.send(
            "draft", "POST", "/publisher/videos", token, account, json=fields
        )
        made = self._api.read(answer)
        video_id, url = text(made.get("id")), text(made.get("uploadUrl"))
        if video_id is None or url is None:
            raise answer.unclear("no id or uploadUrl")
        return video_id, url

    async def upload(
        self, token: SecretStr, url: str, media: Media, progress: Progress, deadline: timedelta
    ) -> None:
        """PUT the whole file; a second PUT replaces the first."""
        # The address comes from an answer: the token goes along only to the API's own host.
        own = urlsplit(url).netloc == urlsplit(self._api.base).netloc
        answer = await self._api.http.send(
            Request(
                "PUT",
                url,
                body=raw(media, progress),
                credential=Header("OAuth", token) if own else None,
                deadline=deadline,
            )
        )
        self._receipt(answer)

    async def publish(self, token: SecretStr, account: str, video_id: str) -> bool:
        """Make the draft visible; False when Дзен says that its state does not allow it (409)."""
        path = "/publisher/videos/{id}/publish"
        answer = await self._api.send(
            "publish", "POST", path, token, account, video=video_id, write=True
        )
        if answer.status == CONFLICT:
            return False
        self._receipt(answer)
        return True

    async def video(self, token: SecretStr, account: str, video_id: str) -> dict[str, Any] | None:
        """The video's state; None for 404."""
        path = "/publisher/videos/{id}"
        answer = await self._api.send("status", "GET", path, token, account, video=video_id)
        return None if answer.status == NOT_FOUND else self._api.read(answer)

    async def delete(self, token: SecretStr, account: str, video_id: str) -> None:
        """Delete the draft; one that is not there any more counts as deleted."""
        path = "/publisher/videos/{id}"
        answer = await self._api.send("delete", "DELETE", path, token, account, video=video_id)
        if answer.status != NOT_FOUND:
            self._api.accept(answer)

    async def stats(self, token: SecretStr, account: str, video_id: str) -> dict[str, Any] | None:
        """Counters; None for 404."""
        path = "/publisher/videos/{id}/stats"
        answer = await self._api.send("stats", "GET", path, token, account, video=video_id)
        if answer.status == NOT_FOUND:
            return None
        body = self._api.read(answer)
        return part(body, "statistics") or body

    def _receipt(self, answer: Answer) -> None:
        """Success is believed only when the video is named."""
        if text(self._api.read(answer).get("id")) is None:
            raise answer.unclear("no id")
