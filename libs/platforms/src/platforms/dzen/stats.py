"""Counters of the assumed Дзен contract."""

from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from platforms.answers import count
from platforms.dzen.client import DzenClient
from platforms.dzen.publish import HIDDEN, REFUSED, SHOWN, status_of
from platforms.errors import Unavailable
from platforms.port import Numbers

AT_WORK = HIDDEN | {"processing", "moderation"}
"""What a video says on its way to the readers."""
TAKEN_AWAY = REFUSED | {"deleted", "hidden", "private", "banned"}
"""Of all these words the assumed contract names none (platforms/dzen.md §2): they are guesses."""


class DzenStats:
    """Numbers of one video at a time."""

    batch = 1
    source = "videos.stats"

    def __init__(self, client: DzenClient) -> None:
        self._client = client

    async def read(
        self, token: SecretStr, account_id: str, post_ids: Sequence[str]
    ) -> Mapping[str, Numbers]:
        """One entry per id."""
        return {post_id: await self._numbers(token, account_id, post_id) for post_id in post_ids}

    async def _numbers(self, token: SecretStr, account_id: str, post_id: str) -> Numbers:
        told = await self._client.stats(token, account_id, post_id)
        if told is None:
            return await self._state(token, account_id, post_id)
        return Numbers(
            views=count(told.get("views")),
            likes=count(told.get("likes")),
            shares=count(told.get("shares")),
            comments=count(told.get("comments")),
        )

    async def _state(self, token: SecretStr, account_id: str, post_id: str) -> Numbers:
        """There may be nothing to count yet: only the video itself tells what has become of it.
        Raises Unavailable for a word that nobody knows: to take it for work in progress would be
        to wait for nothing."""
        video = await self._client.video(token, account_id, post_id)
        if video is None:
            return Numbers(gone=True)
        status = status_of(video)
        if status not in SHOWN | AT_WORK | TAKEN_AWAY:
            raise Unavailable(note=f"dzen: {status}")
        return Numbers(gone=status in TAKEN_AWAY, processing=status in AT_WORK)
