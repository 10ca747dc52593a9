"""VK's counters: one call for up to 200 videos (platforms/vk.md §2.6)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from platforms.answers import count, part
from platforms.port import Numbers
from platforms.vk.client import VkClient
from platforms.vk.publish import busy

POST_ID = re.compile(r"-?[0-9]+_[0-9]+")


class VkStats:
    """Numbers of `video.get`."""

    batch = 200
    source = "video.get"

    def __init__(self, client: VkClient) -> None:
        self._client = client

    async def read(
        self, token: SecretStr, account_id: str, post_ids: Sequence[str]
    ) -> Mapping[str, Numbers]:
        """One entry per id; VK omits removed videos, and those hidden from this account, without a
        word: those are gone.

        A single malformed id makes VK refuse all of them, so such are not asked for."""
        numbers = dict.fromkeys(post_ids, Numbers())
        good = [post_id for post_id in post_ids if POST_ID.fullmatch(post_id)]
        if not good:
            return numbers
        numbers |= dict.fromkeys(good, Numbers(gone=True))
        for item in await self._client.videos(token, account_id, good):
            post_id = f"{item.get('owner_id')}_{item.get('id')}"
            if post_id in numbers:
                numbers[post_id] = _numbers(item)
        return numbers


def _numbers(item: dict[str, Any]) -> Numbers:
    gone = bool(item.get("content_restricted"))
    # The privacy words of video.save are not documented in VK's answers, this flag is (§2.4).
    private = not gone and bool(item.get("is_private"))
    if busy(item):
        # Meanwhile VK says 0 views, which is no count.
        return Numbers(gone=gone, processing=not gone, private=private)
    return Numbers(
        views=count(item.get("views")),
        likes=count(part(item, "likes").get("count")),
        shares=count(part(item, "reposts").get("count")),
        comments=count(item.get("comments")),
        gone=gone,
        private=private,
    )
