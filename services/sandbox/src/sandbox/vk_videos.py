"""The videos of VK: reserved by video.save, filled by one upload, shown by video.get."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.moderation import Hide, Order, Process, Purge
from sandbox.mp4 import Video as Picture
from sandbox.received import Blob
from sandbox.world import World

FIRST_ID = 456_239_017
CLIP_SECONDS = 180


@dataclass
class Video:
    """`uploaded_at` is None until the last byte was accepted."""

    owner_id: int
    id: int
    author: int
    title: str
    description: str
    access_key: str
    reserved_at: float
    privacy: str = "all"
    is_private: bool = False
    wallpost: bool = False
    album_id: int = 0
    link: str = ""
    uploaded_at: float | None = None
    width: int = 0
    height: int = 0
    duration: float = 0.0
    fate: str = "ready"  # ready, restricted, fails or stuck: what processing ends in
    hidden_until: float = 0.0  # lookups do not see it before
    deleted: bool = False
    busy_until: float = 0.0  # processed again until then
    purged: int = 0  # views taken away
    hidden: bool = False  # from all but its owner, until restored or given a new privacy

    @property
    def key(self) -> str:
        return f"{self.owner_id}_{self.id}"


class Videos:
    """Every change is logged, so that a restarted sandbox knows its videos."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._videos: dict[str, Video] = {}
        for event in world.log.replay("vk_video"):
            video = Video(**{name: value for name, value in event.items() if name != "kind"})
            self._videos[video.key] = video
        world.on_reset(self._videos.clear)

    def reserve(self, owner_id: int, author: int, title: str, description: str) -> Video:
        taken = [video.id for video in self._videos.values() if video.owner_id == owner_id]
        video = Video(
            owner_id,
            max([FIRST_ID - 1, *taken]) + 1,
            author,
            title or "Без названия",
            description,
            secrets.token_hex(9),
            self._world.clock.time(),
        )
        self.save(video)
        return video

    def find(self, key: str) -> Video | None:
        """Also deleted ones."""
        return self._videos.get(key)

    def of_owner(self, owner_id: int) -> list[Video]:
        """Newest first, deleted ones left out."""
        own = [v for v in self._videos.values() if v.owner_id == owner_id and not v.deleted]
        return sorted(own, key=lambda video: (video.reserved_at, video.id), reverse=True)

    def owners(self) -> list[int]:
        return sorted({video.owner_id for video in self._videos.values()})

    def accept(self, video: Video, blob: Blob, fate: str) -> None:
        """The upload is complete: from here on the post exists."""
        picture = blob.video or Picture(0, 0, 0.0)
        video.fate = fate if blob.video else "fails"  # no picture: found out while processing
        video.width, video.height, video.duration = picture.width, picture.height, picture.duration
        video.uploaded_at = self._world.clock.time()
        self.save(video)
        self._world.ledger.record(
            platform="vk",
            account=str(video.author),
            post_id=video.key,
            url=self.url(video),
            sha256=blob.sha256,
            size=blob.bytes,
            title=video.title,
        )

    def delete(self, video: Video) -> None:
        video.deleted = True
        self.save(video)
        self._world.ledger.mark_deleted("vk", video.key)

    def restore(self, video: Video) -> None:
        video.deleted = False
        self.save(video)
        self._world.ledger.mark_restored("vk", video.key)

    def moderate(self, order: Order) -> bool:
        """Carry out what VK does by itself; False when there is no such upload."""
        video = self.find(order.post_id)
        if video is None or video.uploaded_at is None:
            return False
        if self.gone(video) and order.do != "restore":
            return False
        match order:
            case Process():
                video.busy_until = self._world.clock.time() + order.seconds
            case Purge():
                video.purged += min(order.views, self._views(video))
            case Hide():
                video.hidden = True
            case _:
                video.hidden = video.hidden and order.do != "restore"
                video.busy_until = 0.0
                video.deleted = order.do == "delete"
                video.fate = "restricted" if order.do == "block" else "ready"
        self.save(video)
        return True

    def processing(self, video: Video) -> bool:
        if video.uploaded_at is None:
            return False
        first = video.uploaded_at + self._world.settings.processing_seconds
        return video.fate == "stuck" or self._world.clock.time() < max(first, video.busy_until)

    def gone(self, video: Video) -> bool:
        """Deleted, or silently dropped because its processing failed."""
        failed = video.fate == "fails" and video.uploaded_at and not self.processing(video)
        return video.deleted or bool(failed)

    def public(self, video: Video) -> bool:
        """Whether strangers see it."""
        return video.privacy == "all" and bool(video.uploaded_at) and not video.hidden

    def is_clip(self, video: Video) -> bool:
        """A vertical file on a personal page turns into a clip by itself [community]."""
        return (
            video.owner_id > 0
            and video.height > video.width
            and video.duration <= CLIP_SECONDS
            and not self._world.switches.is_on("vk_vertical_stays_video")
        )

    def url(self, video: Video) -> str:
        return f"https://vk.com/{'clip' if self.is_clip(video) else 'video'}{video.key}"

    def shown(self, video: Video, *, to_owner: bool) -> dict[str, Any]:
        """One item of video.get."""
        origin, processing = self._world.settings.origin, self.processing(video)
        ready = video.uploaded_at is not None and not processing
        views = self._views(video) if ready else 0
        date = int(video.uploaded_at or video.reserved_at)
        item: dict[str, Any] = {
            "id": video.id,
            "owner_id": video.owner_id,
            "title": video.title,
            "description": video.description,
            "duration": round(video.duration) if ready else 0,
            "date": date,
            "adding_date": date,
            "views": views,
            "local_views": views // 2,
            "comments": views // 25,
            "type": "short_video" if ready and self.is_clip(video) else "video",
            "player": f"{origin}/vk/video_ext.php?oid={video.owner_id}&id={video.id}",
            "likes": {"count": views // 10, "user_likes": 0},
            "reposts": {
                "count": views // 50, "wall_count": 0, "mail_count": 0, "user_reposted": 0,
            },
            "image": [{"url": f"{origin}/vk/thumb.jpg", "width": 130, "height": 96}],
        }  # fmt: skip
        if ready:
            item |= {"width": video.width, "height": video.height}
        if processing:
            again = self._world.clock.time() < video.busy_until
            item["converting" if again else "processing"] = 1
        if ready and video.fate == "restricted":
            item["content_restricted"] = 1
            item["content_restricted_message"] = "Видео заблокировано по решению модератора"
        if video.is_private or video.hidden:
            item["is_private"] = 1
        if to_owner:
            item["access_key"] = video.access_key
            item["privacy_view"] = {"category": "only_me" if video.hidden else video.privacy}
        return item

    def _views(self, video: Video) -> int:
        """Grows by one a second: easy to predict, falls only by order."""
        return int(self._world.clock.time() - (video.uploaded_at or 0)) - video.purged

    def save(self, video: Video) -> None:
        """To be called after every change."""
        self._world.log.append("vk_video", asdict(video))
        self._videos[video.key] = video
