"""VK's counters: one call for up to 200 videos (platforms/vk.md §2.6)."""

from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from platforms.answers import count, part
from platforms.port import Numbers
from platforms.vk.client import VkClient


class VkStats:
    """Numbers of `video.get`."""

    batch = 200
    source = "video.get"

    def __init__(self, client: VkClient) -> None:
        self._client = client

    async def read(
        self, token: SecretStr, account_id: str, post_ids: Sequence[str]
    ) -> Mapping[str, Numbers]:
        """One entry per id; VK omits removed and hidden videos without a word: those are gone."""
        numbers = dict.fromkeys(post_ids, Numbers(gone=True))
        for item in await self._client.videos(token, account_id, post_ids):
            post_id = f"{item.get('owner_id')}_{item.get('id')}"
            if post_id in numbers:
                numbers[post_id] = Numbers(
                    views=count(item.get("views")),
                    likes=count(part(item, "likes").get("count")),
                    shares=count(part(item, "reposts").get("count")),
                    comments=count(item.get("comments")),
                    gone=bool(item.get("content_restricted")),
                )
        return numbers
