"""Rutube's counters: views and comments of the video, likes of the numerator (§2.5)."""

from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from platforms.answers import count
from platforms.port import Numbers
from platforms.rutube.client import RutubeClient


class RutubeStats:
    """Numbers of one video at a time; Rutube counts no shares."""

    batch = 1
    source = "video+numerator"

    def __init__(self, client: RutubeClient) -> None:
        self._client = client

    async def read(
        self, token: SecretStr, account_id: str, post_ids: Sequence[str]
    ) -> Mapping[str, Numbers]:
        """One entry per id."""
        return {post_id: await self._numbers(token, account_id, post_id) for post_id in post_ids}

    async def _numbers(self, token: SecretStr, account_id: str, post_id: str) -> Numbers:
        video = await self._client.video(token, account_id, post_id)
        if video is None or video.get("is_deleted"):
            return Numbers(gone=True)
        votes = await self._client.votes(token, account_id, post_id)
        return Numbers(
            views=count(video.get("hits")),
            likes=count(votes.get("positive")) if votes else None,
            comments=count(video.get("comments_count")),
        )
