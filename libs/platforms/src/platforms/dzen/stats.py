"""Counters of the assumed Дзен contract."""

from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from platforms.answers import count
from platforms.dzen.client import DzenClient
from platforms.dzen.publish import REFUSED, SHOWN, status_of
from platforms.port import Numbers


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
        What is neither shown nor refused is still being worked on, as while publishing."""
        video = await self._client.video(token, account_id, post_id)
        if video is None:
            return Numbers(gone=True)
        status = status_of(video)
        return Numbers(gone=status in REFUSED, processing=status not in REFUSED | SHOWN)
