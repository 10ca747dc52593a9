"""Rutube's counters: views and comments of the video, likes of the numerator (§2.5)."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from platforms.answers import count
from platforms.port import Numbers
from platforms.rutube.client import RutubeClient
from platforms.rutube.publish import State, state


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
        if video is None:
            return Numbers(gone=True)
        told = state(video)
        if told is not State.SHOWN:
            # The votes of what is not shown say nothing: no second call for them.
            busy = told is State.BUSY
            return Numbers(gone=not busy, processing=busy, private=busy and _hidden(video))
        votes = await self._client.votes(token, account_id, post_id)
        return Numbers(
            views=count(video.get("hits")),
            likes=count(votes.get("positive")) if votes else None,
            comments=count(video.get("comments_count")),
            private=_hidden(video),
        )


def _hidden(video: dict[str, Any]) -> bool:
    """Listed nowhere: besides its owner only who was given the link gets to it (§2.1)."""
    return bool(video.get("is_hidden"))
