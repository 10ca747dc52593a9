"""How a clip becomes a Дзен video by the assumed contract: draft, file, publish, wait."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from platforms.answers import text
from platforms.dzen.client import DzenClient
from platforms.errors import ContentRefused, Unavailable
from platforms.polling import Polling
from platforms.port import Job, Next, Outcome, Published, Step, Wait, checked, repeatable
from platforms.reasons import Reason

SHOWN = {"published", "ready"}
HIDDEN = {"draft", "created", "uploading", "uploaded"}
REFUSED = {"rejected", "blocked", "failed", "error"}


class DzenCursor(BaseModel):
    """What is known about the video so far."""

    video_id: str | None = None
    upload_url: str | None = None
    published_at: datetime | None = None
    """When it was first seen to be processed."""
    polls: int = 0


DzenJob = Job[DzenCursor]


class DzenPublishing:
    """The steps (platforms/dzen.md §2, §6)."""

    cursor = DzenCursor

    def __init__(self, client: DzenClient, polling: Polling, upload_timeout: timedelta) -> None:
        self._client = client
        self._polling = polling
        self._upload_timeout = upload_timeout

    def steps(self) -> Sequence[Step[DzenCursor]]:
        """Draft, upload, publish, processed."""
        return (
            repeatable("draft", self.draft, undo=self.discard),
            repeatable("upload", self.upload),
            checked("publish", self.publish, look=self.publishing, visible=True),
            repeatable("processed", self.processed),
        )

    async def draft(self, job: DzenJob) -> Outcome[DzenCursor]:
        """A draft; one orphaned by a lost answer is seen by nobody."""
        video_id, url = await self._client.draft(
            job.token, job.account_id, job.title, job.description
        )
        return Next(DzenCursor(video_id=video_id, upload_url=url))

    async def discard(self, job: DzenJob) -> None:
        """Delete the draft."""
        if job.cursor.video_id is not None:
            await self._client.delete(job.token, job.account_id, job.cursor.video_id)

    async def upload(self, job: DzenJob) -> Outcome[DzenCursor]:
        """Put the whole file."""
        url = job.cursor.upload_url or ""
        await self._client.upload(job.token, url, job.media, job.progress, self._upload_timeout)
        return Next(job.cursor)

    async def publish(self, job: DzenJob) -> Outcome[DzenCursor]:
        """Make it visible. A conflict may mean that it is visible already: look."""
        if await self._client.publish(job.token, job.account_id, job.cursor.video_id or ""):
            return Next(job.cursor)
        if done := await self.publishing(job):
            return done
        raise Unavailable(note="dzen 409, not published")

    async def publishing(self, job: DzenJob) -> Outcome[DzenCursor] | None:
        """Whether the publish call was carried out."""
        return None if status_of(await self._video(job)) in HIDDEN else Next(job.cursor)

    async def processed(self, job: DzenJob) -> Outcome[DzenCursor]:
        """Wait until readers see it."""
        video, cursor = await self._video(job), job.cursor
        status = status_of(video)
        if status in REFUSED:
            raise ContentRefused(Reason.MODERATION, note=f"dzen: {status}")
        if status in SHOWN:
            post_id = text(video.get("id")) or cursor.video_id or ""
            return Published(post_id, text(video.get("url")) or f"https://dzen.ru/shorts/{post_id}")
        since = cursor.published_at or job.now()
        later = cursor.model_copy(update={"polls": cursor.polls + 1, "published_at": since})
        return Wait(later, self._polling.after(cursor.polls, since, job.now()))

    async def _video(self, job: DzenJob) -> dict[str, Any]:
        video = await self._client.video(job.token, job.account_id, job.cursor.video_id or "")
        if video is None:
            raise ContentRefused(Reason.GONE)
        return video


def status_of(video: dict[str, Any]) -> str:
    """Дзен's word for the state. Raises Unavailable when it tells none."""
    status = text(video.get("status"))
    if status is None:
        raise Unavailable(note="dzen: no status")
    return status
