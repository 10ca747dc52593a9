"""VK API: the video.* methods."""

from __future__ import annotations

import re
from typing import Any

from sandbox.vk_call import Call
from sandbox.vk_errors import ApiError, bad_parameter
from sandbox.vk_people import User
from sandbox.vk_upload import Uploads
from sandbox.vk_videos import Video, Videos
from sandbox.world import World

NAME_LIMIT, DESCRIPTION_LIMIT = 128, 5000
PRIVACY = re.compile(r"all|friends|friends_of_friends|friends_of_friends_only|nobody|only_me|-?\d+")
VIDEO_ID = re.compile(r"(-?\d+_\d+)(?:_(\w+))?")
LATE_SECONDS = 30.0
HIGHEST_ID = 2**63 - 1


class VideoMethods:
    """Everything about videos but the bytes."""

    def __init__(self, world: World, videos: Videos, uploads: Uploads) -> None:
        self._world = world
        self._videos = videos
        self._uploads = uploads

    def save(self, call: Call) -> dict[str, Any]:
        user = call.person()
        name = call.text("name", NAME_LIMIT)
        description = call.text("description", DESCRIPTION_LIMIT)
        privacy = _privacy(call, "privacy_view")
        _privacy(call, "privacy_comment")
        album = call.number("album_id", 0, low=0)
        owner = self._owner(call, user)
        if album:
            raise ApiError(204)  # no user here has an album
        video = self._videos.reserve(owner, user.id, name, description)
        video.privacy, video.wallpost = privacy or "all", call.flag("wallpost")
        video.is_private, video.link = call.flag("is_private"), call.params.get("link", "")
        for flag in ("no_comments", "repeat", "compression", "auto_publish"):
            call.flag(flag)
        if call.fault == "appears_late":
            video.hidden_until = self._world.clock.time() + LATE_SECONDS
        self._videos.save(video)
        answer = {
            "access_key": video.access_key,
            "description": video.description,
            "owner_id": video.owner_id,
            "title": video.title,
            "video_id": video.id,
        }
        return answer if video.link else answer | {"upload_url": self._uploads.url(video)}

    def get(self, call: Call) -> dict[str, Any]:
        count = call.number("count", 100, low=0, high=200)
        offset = call.number("offset", 0, low=0)
        call.flag("extended")
        words = call.words("videos")
        if words:
            if len(words) > 200:
                raise bad_parameter("videos has too many items")
            found = self._by_ids(words)
        else:
            default = call.user.id if call.user else call.token.owner
            owner = call.number("owner_id", default)
            # Clips are not in an owner's list [community].
            found = [v for v in self._videos.of_owner(owner) if not self._shows_as_clip(v)]
        visible = [] if call.fault == "not_found" else self._visible(found, call)
        return self._page(visible, call, offset, count)

    def search(self, call: Call) -> dict[str, Any]:
        query = call.params.get("q", "").casefold()
        if not query:
            raise bad_parameter("q is undefined")
        count = call.number("count", 20, low=0, high=200)
        offset = call.number("offset", 0, low=0)
        call.number("sort", 2, low=0, high=2)
        own = call.person().id
        owners = (
            [call.number("owner_id", own)] if call.flag("search_own") else self._videos.owners()
        )
        found = [
            video
            for owner in owners
            for video in self._videos.of_owner(owner)
            if query in video.title.casefold() and video.uploaded_at  # not indexed before
        ]
        hits = [v for v in self._visible(found, call) if not self._videos.processing(v)][:500]
        return self._page(hits, call, offset, count)

    def edit(self, call: Call) -> dict[str, Any]:
        if "description" in call.params:
            call.entry.warn("video.edit has `desc`, not `description`; it was ignored")
        video = self._own(call)
        name, desc = call.text("name", NAME_LIMIT), call.text("desc", DESCRIPTION_LIMIT)
        privacy = _privacy(call, "privacy_view")
        video.title = name or video.title
        video.description = desc if "desc" in call.params else video.description
        video.privacy = privacy or video.privacy
        video.hidden = video.hidden and not privacy
        self._videos.save(video)
        return {"success": 1, "access_key": video.access_key}

    def delete(self, call: Call) -> int:
        self._videos.delete(self._own(call))
        return 1

    def restore(self, call: Call) -> int:
        self._videos.restore(self._own(call, deleted=True))
        return 1

    def _owner(self, call: Call, user: User) -> int:
        if not call.params.get("group_id"):
            return user.id
        group = call.number("group_id", low=1)
        if not user.may_publish_in(group):
            raise ApiError(15)
        membership = user.membership(group)
        if membership is not None and membership.needs_2fa:
            raise ApiError(704)
        if membership is not None and membership.wall_closed and call.flag("wallpost"):
            raise ApiError(214)
        return -group

    def _own(self, call: Call, *, deleted: bool = False) -> Video:
        user = call.person()
        video_id = call.number("video_id", low=0)
        owner = call.number("owner_id", user.id)
        video = self._videos.find(f"{owner}_{video_id}")
        if video is None or video.deleted is not deleted or not _manages(user, video):
            raise ApiError(204)
        return video

    def _by_ids(self, words: list[str]) -> list[Video]:
        found = []
        for word in words:
            match = VIDEO_ID.fullmatch(word)
            if match is None or any(abs(int(n)) > HIGHEST_ID for n in match[1].split("_")):
                raise bad_parameter("videos is invalid")
            video = self._videos.find(match[1])
            if video is not None and match[2] in (None, video.access_key):
                found.append(video)
        return found

    def _visible(self, videos: list[Video], call: Call) -> list[Video]:
        now = self._world.clock.time()
        return [
            video
            for video in videos
            if not self._videos.gone(video)
            and now >= video.hidden_until
            and (_mine(call, video) or self._videos.public(video))
        ]

    def _page(self, videos: list[Video], call: Call, offset: int, count: int) -> dict[str, Any]:
        items = [
            self._videos.shown(video, to_owner=_mine(call, video))
            for video in videos[offset : offset + count]
        ]
        return {"count": len(videos), "items": items}

    def _shows_as_clip(self, video: Video) -> bool:
        done = video.uploaded_at is not None and not self._videos.processing(video)
        return done and self._videos.is_clip(video)


def _manages(user: User, video: Video) -> bool:
    return video.owner_id == user.id or user.may_publish_in(-video.owner_id)


def _mine(call: Call, video: Video) -> bool:
    if call.user is None:
        return call.token.owner == video.owner_id
    return _manages(call.user, video)


def _privacy(call: Call, name: str) -> str:
    words = call.words(name)
    if not all(PRIVACY.fullmatch(word) for word in words):
        raise bad_parameter(f"{name} is invalid")
    return ",".join(words)
