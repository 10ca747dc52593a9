"""VK API: wall.post and wall.get."""

from __future__ import annotations

import re
from typing import Any

from sandbox.ledger import Ledger
from sandbox.vk_call import Call
from sandbox.vk_errors import ApiError, bad_parameter
from sandbox.vk_people import User
from sandbox.vk_videos import Videos
from sandbox.vk_wall import Wall, WallPost, shown

ATTACHMENT = re.compile(r"video(-?\d+_\d+)(?:_\w+)?")


class WallMethods:
    """Posts and the list that finds them again."""

    def __init__(self, ledger: Ledger, videos: Videos, wall: Wall) -> None:
        self._ledger = ledger
        self._videos = videos
        self._wall = wall

    def post(self, call: Call) -> dict[str, int]:
        user = call.person()
        owner = call.number("owner_id", user.id)
        self._may_post(user, owner)
        attachments = self._attachments(call)
        message = call.params.get("message", "")
        if not message and not attachments:
            raise bad_parameter("message and attachments are empty")
        author = owner if owner < 0 and call.flag("from_group") else user.id
        post = self._wall.post(
            owner,
            author,
            message,
            attachments,
            guid=call.params.get("guid", ""),
            date=call.number("publish_date", 0, low=0),
        )
        self._record(user, post)
        return {"post_id": post.id}

    def get(self, call: Call) -> dict[str, Any]:
        owner = call.number("owner_id", call.token.owner)
        count, offset = call.number("count", 20, low=0, high=100), call.number("offset", 0, low=0)
        posts = [] if call.fault == "not_found" else self._wall.of_owner(owner)
        return {"count": len(posts), "items": [shown(p) for p in posts[offset : offset + count]]}

    def _record(self, user: User, post: WallPost) -> None:
        """A video that a call of its own puts on a wall is seen once more."""
        for attachment in post.attachments:
            name = f"wall{post.owner_id}_{post.id}"
            video = self._ledger.find("vk", attachment.removeprefix("video"))
            if video is None or self._ledger.find("vk", f"{name}_{attachment}"):
                continue
            self._ledger.record(
                platform="vk",
                account=str(user.id),
                post_id=f"{name}_{attachment}",
                url=f"https://vk.com/{name}",
                sha256=video.sha256,
                size=video.bytes,
                title=video.title,
            )

    def _may_post(self, user: User, owner: int) -> None:
        if owner == user.id:
            return
        group = user.membership(-owner)
        if group is None or group.wall_closed or not user.may_publish_in(group.id):
            raise ApiError(214)

    def _attachments(self, call: Call) -> list[str]:
        """Attachments that do not exist are dropped without a word."""
        kept = []
        for word in call.words("attachments"):
            match = ATTACHMENT.fullmatch(word)
            video = self._videos.find(match[1]) if match else None
            if video is None or self._videos.gone(video):
                call.entry.warn(f"attachment {word} does not exist; it was dropped")
            else:
                kept.append(f"video{video.key}")
        return kept
