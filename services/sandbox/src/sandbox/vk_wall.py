"""VK's walls: posts with the one idempotency key VK has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sandbox.world import World


@dataclass
class WallPost:
    """One post; `publish_date` in the future keeps it off the wall."""

    owner_id: int
    id: int
    from_id: int
    text: str
    attachments: list[str]
    date: float


class Wall:
    """What an upload puts on a wall by itself has no ledger entry beside the video's own."""

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._log = world.log
        self._posts: list[WallPost] = []
        self._by_guid: dict[tuple[int, str], WallPost] = {}
        for event in world.log.replay("vk_wall"):
            self._keep(WallPost(**event["post"]), event["guid"])
        world.on_reset(self._posts.clear)
        world.on_reset(self._by_guid.clear)

    def post(
        self,
        owner_id: int,
        from_id: int,
        text: str,
        attachments: list[str],
        *,
        guid: str = "",
        date: float = 0,
    ) -> WallPost:
        """A repeated `guid` on the same wall gives the first post again."""
        if guid and (owner_id, guid) in self._by_guid:
            return self._by_guid[owner_id, guid]
        last = max((post.id for post in self._posts if post.owner_id == owner_id), default=0)
        when = max(date, self._clock.time())
        post = WallPost(owner_id, last + 1, from_id, text, attachments, when)
        self._log.append("vk_wall", {"post": asdict(post), "guid": guid})
        self._keep(post, guid)
        return post

    def _keep(self, post: WallPost, guid: str) -> None:
        self._posts.append(post)
        if guid:
            self._by_guid[post.owner_id, guid] = post

    def knows(self, owner_id: str, guid: str) -> bool:
        """Whether a post with this guid would only be repeated."""
        return any((str(owner), known) == (owner_id, guid) for owner, known in self._by_guid)

    def of_owner(self, owner_id: int) -> list[WallPost]:
        """Newest first, without postponed ones."""
        now = self._clock.time()
        own = [post for post in self._posts if post.owner_id == owner_id and post.date <= now]
        return own[::-1]


def shown(post: WallPost) -> dict[str, Any]:
    """One item of wall.get."""
    attachments = []
    for attachment in post.attachments:
        owner, _, video = attachment.removeprefix("video").partition("_")
        shown_video = {"owner_id": int(owner), "id": int(video.split("_")[0])}
        attachments.append({"type": "video", "video": shown_video})
    return {
        "id": post.id,
        "owner_id": post.owner_id,
        "from_id": post.from_id,
        "date": int(post.date),
        "text": post.text,
        "type": "post",
        "attachments": attachments,
        "comments": {"count": 0},
        "likes": {"count": 0},
        "reposts": {"count": 0},
        "views": {"count": 0},
    }
