"""The calls of the assumed Дзен contract (no such public API exists: experimental everywhere)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from sandbox.dzen_errors import RefusedError, bad_request, not_found
from sandbox.dzen_state import Video
from sandbox.moderation import Hide, Order, Process, Purge
from sandbox.received import Received, received_of
from sandbox.steps import ordered
from sandbox.world import World
from sandbox.yandex_state import User

Json = dict[str, Any]
FILE_LIMIT = 4 * 10**9
TITLE_LIMIT = 200
DESCRIPTION_LIMIT = 5000
LIST_LIMIT = 100
SAVED, DELETED = "dzen_video", "dzen_video_deleted"
CONFLICT = "dzen_publish_conflict"
REJECTED = "rejected"


class Calls:
    """What a channel's owner can do. Each call has been let in by its token already."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.reset()
        for event in world.log.replay(SAVED, DELETED):
            if event["kind"] == SAVED:
                self._add(Video.model_validate(event))
            else:
                self._remove(event["id"])
        world.on_reset(self.reset)

    def reset(self) -> None:
        """No videos."""
        self._videos: dict[str, Video] = {}
        self._removed: dict[str, Video] = {}  # nobody sees them, but Дзен can restore one
        self._last_number = 0

    def me(self, user: User, request: Request) -> Json:  # noqa: ARG002 - one signature for all
        """The channel."""
        return {"id": user.channel, "name": user.name, "url": f"https://dzen.ru/id/{user.channel}"}

    def draft(self, user: User, request: Request) -> Json:
        """A new draft each time; readers see none of them."""
        fields = _fields(received_of(request))
        if fields.get("type") != "short":
            raise bad_request("type must be short")
        video = Video(
            id=secrets.token_hex(12),
            number=self._last_number + 1,
            author=user.id,
            title=_text(fields, "title", TITLE_LIMIT, required=True),
            description=_text(fields, "description", DESCRIPTION_LIMIT),
            created=self._now(),
            upload_key=secrets.token_urlsafe(24),
        )
        self._save(video)
        origin = self._world.settings.origin
        return {"id": video.id, "uploadUrl": f"{origin}/dzen/upload/{video.upload_key}"}

    def upload(self, user: User, request: Request) -> Json:
        """The whole file as the body; a second one replaces the first until publish."""
        key = request.path_params["key"]
        video = next((v for v in self._videos.values() if v.upload_key == key), None)
        if video is None or video.author != user.id:
            raise not_found()
        if video.ready_at is not None:
            raise RefusedError(409, "conflict", "already published")
        received = received_of(request)
        if "content-length" not in request.headers:
            raise RefusedError(411, "length_required", "Content-Length is required")
        if received.kind != "video/mp4":
            raise RefusedError(415, "unsupported_media_type", "Content-Type must be video/mp4")
        if received.raw.bytes > FILE_LIMIT:
            raise RefusedError(413, "payload_too_large", "4 GB at most")
        if not received.raw.is_mp4:
            raise RefusedError(422, "unprocessable", "the file is not an MP4")
        video.sha256, video.size = received.raw.sha256, received.raw.bytes
        self._save(video)
        return {"id": video.id, "status": video.status(self._now())}

    def publish(self, user: User, request: Request) -> Json:
        """Visible after processing. A second call tells the same, or 409 by switch."""
        video = self._own(user, request)
        if video.sha256 is None or video.size is None:
            raise RefusedError(409, "conflict", "the upload is not finished")
        if video.ready_at is not None:
            if self._world.switches.is_on(CONFLICT):
                raise RefusedError(409, "already_published", "already published")
            return self._shown(video)
        processing = timedelta(seconds=self._world.settings.processing_seconds)
        video.ready_at = self._now() + processing
        video.rejected = ordered(request) == REJECTED
        self._world.ledger.record(
            platform="dzen",
            account=user.id,
            post_id=video.id,
            url=video.url,
            sha256=video.sha256,
            size=video.size,
            title=video.title,
        )
        if video.rejected:  # nobody will ever see it
            self._world.ledger.mark_deleted("dzen", video.id)
        self._save(video)
        return self._shown(video)

    def status(self, user: User, request: Request) -> Json:
        """One video, drafts too."""
        return self._shown(self._own(user, request))

    def listed(self, user: User, request: Request) -> Json:
        """Newest first; the cursor is opaque."""
        limit = request.query_params.get("limit", "20")
        cursor = request.query_params.get("cursor", str(self._last_number + 1))
        if not limit.isdecimal() or not 1 <= int(limit) <= LIST_LIMIT:
            raise bad_request(f"limit must be 1 to {LIST_LIMIT}")
        if not cursor.isdecimal():
            raise bad_request("cursor is invalid")
        own = [v for v in self._videos.values() if v.author == user.id and v.number < int(cursor)]
        own.sort(key=lambda v: v.number, reverse=True)
        page = own[: int(limit)]
        more = len(own) > len(page)
        return {
            "items": [self._shown(video) for video in page],
            "nextCursor": str(page[-1].number) if more else None,
        }

    def edit(self, user: User, request: Request) -> Json:
        """Title and description, also after publication."""
        video, fields = self._own(user, request), _fields(received_of(request))
        title = _text(fields, "title", TITLE_LIMIT, required=True) if "title" in fields else None
        if "description" in fields:
            video.description = _text(fields, "description", DESCRIPTION_LIMIT)
        if title is not None:
            video.title = title
        self._save(video)
        return self._shown(video)

    def delete(self, user: User, request: Request) -> None:
        """A draft or a post; afterwards it is unknown."""
        video = self._own(user, request)
        self._delete(video)
        self._world.ledger.mark_deleted("dzen", video.id)

    def stats(self, user: User, request: Request) -> Json:
        """404 as long as there is nothing to count."""
        video = self._own(user, request)
        if video.status(self._now()) != "published":
            raise not_found()
        return self._statistics(video)

    def moderate(self, order: Order) -> bool:
        """Carry out what Дзен does by itself; False when no such video was published."""
        now, video = self._now(), self._videos.get(order.post_id)
        if order.do == "restore":
            video = video or self._removed.get(order.post_id)
        if video is None or video.ready_at is None:
            return False
        match order:
            case Process():
                video.busy_until = now + timedelta(seconds=order.seconds)
            case Purge():
                video.purged += min(order.views, video.views(now))
            case Hide():
                video.hidden = True
            case _:
                video.hidden = video.hidden and order.do != "restore"
                video.busy_until, video.rejected = None, order.do == "block"
                if order.do == "delete":
                    self._delete(video)
                    return True
        self._save(video)
        return True

    def _shown(self, video: Video) -> Json:
        status = video.status(self._now())
        return {
            "id": video.id,
            "title": video.title,
            "description": video.description,
            "url": video.url if status == "published" else None,
            "status": status,
            "statistics": self._statistics(video),
        }

    def _statistics(self, video: Video) -> Json:
        views = video.views(self._now())
        return {"views": views, "likes": views // 20, "shares": views // 100}

    def _own(self, user: User, request: Request) -> Video:
        video = self._videos.get(request.path_params["video_id"])
        if video is None or video.author != user.id:
            raise not_found()
        return video

    def _save(self, video: Video) -> None:
        """To be called after every change: a restart must not forget what a client builds on."""
        self._world.log.append(SAVED, video.model_dump(mode="json"))
        self._add(video)

    def _delete(self, video: Video) -> None:
        self._world.log.append(DELETED, {"id": video.id})
        self._remove(video.id)

    def _remove(self, video_id: str) -> None:
        self._removed[video_id] = self._videos.pop(video_id)

    def _add(self, video: Video) -> None:
        self._removed.pop(video.id, None)
        self._videos[video.id] = video
        self._last_number = max(self._last_number, video.number)

    def _now(self) -> datetime:
        return self._world.clock.now()


def _fields(received: Received) -> Mapping[str, Any]:
    if received.kind != "application/json":
        raise RefusedError(415, "unsupported_media_type", "send JSON")
    if not isinstance(received.json, dict):
        raise bad_request("the body is not a JSON object")
    return received.json


def _text(fields: Mapping[str, Any], name: str, limit: int, *, required: bool = False) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise bad_request(f"{name} must be a string")
    if required and not value.strip():
        raise bad_request(f"{name} is required")
    if len(value) > limit:
        raise bad_request(f"{name} is longer than {limit}")
    return value
