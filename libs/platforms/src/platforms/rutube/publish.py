"""How a clip becomes a Rutube video: we give a link, Rutube fetches, moderates and shows it."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from platforms.answers import part, text
from platforms.errors import ContentRefused, OutcomeUnknown, StartOver
from platforms.polling import Polling
from platforms.port import Job, Next, Outcome, Published, Step, Wait, checked, repeatable
from platforms.reasons import Reason
from platforms.rutube.client import RutubeClient
from platforms.rutube.limits import RutubeOptions

MOST_PAGES = 40
MOSCOW = timezone(timedelta(hours=3))
ZONE_SLACK = timedelta(hours=3, minutes=5)

DOWNLOADING = "downloading_video"
BUSY = {DOWNLOADING, "moderation"}
UNREACHABLE = {"download_error", "download_failed"}


class State(StrEnum):
    """What Rutube says of a video (§2.3)."""

    BUSY = "busy"
    SHOWN = "shown"
    REFUSED = "refused"


class RutubeCursor(BaseModel):
    """What is known about the video so far."""

    video_id: str | None = None
    created_at: datetime | None = None
    polls: int = 0


RutubeJob = Job[RutubeCursor]


class RutubePublishing:
    """The steps (platforms/rutube.md §2, §6)."""

    cursor = RutubeCursor

    def __init__(self, client: RutubeClient, polling: Polling, download: timedelta) -> None:
        self._client = client
        self._polling = polling
        self._download = download

    def steps(self) -> Sequence[Step[RutubeCursor]]:
        """Create, processed."""
        return (
            checked("create", self.create, look=self.find, visible=True),
            repeatable("processed", self.processed),
        )

    async def create(self, job: RutubeJob) -> Outcome[RutubeCursor]:
        """Hand over the link; from here on Rutube does the rest by itself."""
        options = RutubeOptions.model_validate(dict(job.options))
        video_id = await self._client.create(
            job.token,
            job.account_id,
            url=job.media.link(),
            title=job.title,
            description=job.description,
            is_hidden=options.hidden,
            category_id=options.category_id,
        )
        return Next(_created(video_id, job.now()))

    async def find(self, job: RutubeJob) -> Outcome[RutubeCursor] | None:
        """A video made from our link: its address without the signature is the same each time.
        That none is listed says something only when one would have appeared by now."""
        ours = _address(job.media.link())
        for page in range(1, MOST_PAGES + 1):
            videos, more = await self._client.own(job.token, job.account_id, page=page)
            for video in videos:
                video_id = text(video.get("id"))
                same = _address(str(video.get("source_url"))) == ours
                if video_id and same and not _older(video, job.created_at):
                    return Next(_created(video_id, job.now()))
            if not more:
                self._polling.require_time_to_appear(job.begun_at, job.now())
                return None
        raise OutcomeUnknown(note=f"not among the newest {MOST_PAGES} pages")

    async def processed(self, job: RutubeJob) -> Outcome[RutubeCursor]:
        """Wait until the video has been fetched, moderated and shown."""
        cursor, now = job.cursor, job.now()
        video_id = cursor.video_id or ""
        video = await self._client.video(job.token, job.account_id, video_id)
        if video is None and self._polling.long_missing(cursor.created_at, now):
            raise ContentRefused(Reason.GONE)
        since = cursor.created_at or now
        if video and _reason(video) == DOWNLOADING and now - since > self._download:
            # What came of it after all would be a second post.
            await self._client.delete(job.token, job.account_id, video_id)
            raise StartOver(Reason.MEDIA_UNREACHABLE, note="rutube: downloads for too long")
        if video is None or _busy(video):
            later = cursor.model_copy(update={"polls": cursor.polls + 1, "created_at": since})
            return Wait(later, self._polling.after(cursor.polls, since, now))
        url = text(video.get("video_url")) or f"https://rutube.ru/video/{video_id}/"
        return Published(video_id, url)


def state(video: dict[str, Any]) -> State:
    """The table of §2.3. `is_deleted` is true while Rutube is still at it, too."""
    if _reason(video) in BUSY or video.get("status") == "processing":
        return State.BUSY
    if video.get("is_deleted") or video.get("status") == "error":
        return State.REFUSED
    shown = video.get("publication_ts") or video.get("status") == "ready"
    return State.SHOWN if shown else State.BUSY


def _busy(video: dict[str, Any]) -> bool:
    """Whether Rutube is still at it."""
    reason, told = _reason(video), state(video)
    if reason in UNREACHABLE:
        raise StartOver(Reason.MEDIA_UNREACHABLE)
    if told is State.REFUSED:
        raise ContentRefused(Reason.MODERATION, note=f"rutube: {reason}")
    return told is State.BUSY


def _reason(video: dict[str, Any]) -> str:
    return text(part(video, "action_reason").get("name")) or ""


def _created(video_id: str, now: datetime) -> RutubeCursor:
    return RutubeCursor(video_id=video_id, created_at=now)


def _older(video: dict[str, Any], than: datetime) -> bool:
    """Whether the video is of an earlier publication of the same file. Rutube writes times without
    a zone; read as Moscow's, those of UTC would seem three hours older, so that much is allowed."""
    try:
        made = datetime.fromisoformat(str(video.get("created_ts")))
    except ValueError:
        return False
    made = made if made.tzinfo else made.replace(tzinfo=MOSCOW)
    return made + ZONE_SLACK < than


def _address(link: str) -> tuple[str, str]:
    parts = urlsplit(link)
    return parts.netloc, parts.path
