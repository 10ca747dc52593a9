"""How a clip becomes a VK video: reserve an id, send the bytes, wait until VK shows it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from platforms.answers import count, text
from platforms.errors import ContentRefused, OutcomeUnknown, Unavailable
from platforms.polling import Polling
from platforms.port import Job, Next, Outcome, Published, Step, Wait, checked, repeatable
from platforms.reasons import Reason
from platforms.vk.client import VkClient
from platforms.vk.limits import VkOptions

MOST_RESERVATIONS = 3


class VkCursor(BaseModel):
    """What is known about the video so far."""

    owner_id: int | None = None
    """Negative for a community."""
    video_id: int | None = None
    upload_url: str | None = None
    expires_at: datetime | None = None
    reserved_at: datetime | None = None
    reservations: int = 0
    uploaded_at: datetime | None = None
    polls: int = 0

    @property
    def post_id(self) -> str:
        """The id as VK writes it."""
        return f"{self.owner_id}_{self.video_id}"


VkJob = Job[VkCursor]


class VkPublishing:
    """The steps (platforms/vk.md §2.2-2.4, §7)."""

    cursor = VkCursor

    def __init__(self, client: VkClient, polling: Polling, upload_timeout: timedelta) -> None:
        self._client = client
        self._polling = polling
        self._upload_timeout = upload_timeout

    def steps(self) -> Sequence[Step[VkCursor]]:
        """Reserve, upload, processed."""
        return (
            repeatable("reserve", self.reserve, undo=self.discard),
            checked("upload", self.upload, look=self.arrived, visible=True),
            repeatable("processed", self.processed),
        )

    async def reserve(self, job: VkJob) -> Outcome[VkCursor]:
        """Get an id and an upload address; both are kept before any byte is sent.

        When the answer is lost, so is the address, and the empty entry that stays behind can't be
        used. People don't see it, and nothing tells it from one that another publication of the
        same clip is filling just now: it is left alone, and the step is simply repeated."""
        return Next(await self._reserve(job))

    async def discard(self, job: VkJob) -> None:
        """Delete the reserved id while nothing is visible."""
        cursor = job.cursor
        if cursor.owner_id is not None and cursor.video_id is not None:
            await self._client.delete(job.token, job.account_id, cursor.owner_id, cursor.video_id)

    async def upload(self, job: VkJob) -> Outcome[VkCursor]:
        """Send the file; repeated from the start to the same address while that is good. Every
        other call here is a run of its own, so that what it did is kept before the next one."""
        cursor = job.cursor
        if cursor.upload_url is None:
            return Wait(await self._reserve(job), timedelta(0), why="upload_again")
        if _expired(cursor, job.now()):
            return await self._drop(job, "upload address expired")
        refused = await self._client.upload(
            cursor.upload_url, job.media, job.progress, self._upload_timeout
        )
        if refused is None:
            return Next(_uploaded(cursor, job.now()))
        # A refused address may be one that already took the bytes: look before deleting.
        reserved_at = cursor.reserved_at or job.created_at
        return await self._find(job, reserved_at) or await self._drop(job, refused)

    async def arrived(self, job: VkJob) -> Outcome[VkCursor] | None:
        """Whether VK has the bytes; while no id is reserved there was nowhere to send them."""
        if job.cursor.video_id is None:
            return None
        return await self._find(job, job.begun_at)

    async def processed(self, job: VkJob) -> Outcome[VkCursor]:
        """Wait until VK shows the video to everybody."""
        cursor, now = job.cursor, job.now()
        item = await self._client.video(job.token, job.account_id, cursor.post_id)
        if item and item.get("content_restricted"):
            raise ContentRefused(Reason.MODERATION)
        unseen = item is None or not _arrived(item)
        if unseen and self._polling.long_missing(cursor.uploaded_at, now):
            raise ContentRefused(Reason.GONE if item is None else Reason.CONTENT_REFUSED)
        if item and _arrived(item) and not busy(item):
            kind = "clip" if item.get("type") == "short_video" else "video"
            return Published(cursor.post_id, f"https://vk.com/{kind}{cursor.post_id}")
        since = cursor.uploaded_at or now
        later = cursor.model_copy(update={"polls": cursor.polls + 1, "uploaded_at": since})
        return Wait(later, self._polling.after(cursor.polls, since, now))

    async def _find(self, job: VkJob, since: datetime) -> Next[VkCursor] | None:
        """Even the empty entry may be shown late: as long as none is, nothing is proved."""
        item = await self._client.video(job.token, job.account_id, job.cursor.post_id)
        if item is None:
            self._polling.require_time_to_appear(since, job.now())
        return Next(_uploaded(job.cursor, job.now())) if item and _arrived(item) else None

    async def _drop(self, job: VkJob, why: str) -> Outcome[VkCursor]:
        """Give up an id whose upload address is no good; another one comes next."""
        if job.cursor.reservations >= MOST_RESERVATIONS:
            raise Unavailable(note=why)
        await self.discard(job)
        empty = VkCursor(reservations=job.cursor.reservations)
        return Wait(empty, timedelta(0), why="upload_again")

    async def _reserve(self, job: VkJob) -> VkCursor:
        options = _options(job)
        made = await self._client.save(
            job.token,
            job.account_id,
            name=job.title,
            description=job.description,
            wallpost=options.wallpost,
            group_id=options.group_id,
            privacy_view=options.privacy,
        )
        owner_id, video_id, url = (
            made.get("owner_id"),
            made.get("video_id"),
            text(made.get("upload_url")),
        )
        if not isinstance(owner_id, int) or not isinstance(video_id, int) or url is None:
            raise OutcomeUnknown(note="video.save: unexpected answer")
        return VkCursor(
            owner_id=owner_id,
            video_id=video_id,
            upload_url=url,
            expires_at=_expiry(url),
            reserved_at=job.now(),
            reservations=job.cursor.reservations + 1,
        )


def _options(job: VkJob) -> VkOptions:
    return VkOptions.model_validate(dict(job.options))


def busy(item: dict[str, Any]) -> bool:
    """Whether VK is still encoding the video, or encodes it anew (§2.4)."""
    return bool(item.get("processing") or item.get("converting"))


def _arrived(item: dict[str, Any]) -> bool:
    """Whether VK has bytes for it: an empty entry has neither length nor size. Seconds alone
    would not do, a very short clip rounds to none."""
    return busy(item) or any(count(item.get(name)) for name in ("duration", "width", "height"))


def _uploaded(cursor: VkCursor, now: datetime) -> VkCursor:
    return cursor.model_copy(update={"uploaded_at": now})


def _expired(cursor: VkCursor, now: datetime) -> bool:
    return cursor.expires_at is not None and now >= cursor.expires_at


def _expiry(url: str) -> datetime | None:
    """`expires` of a signed address, in milliseconds; None when it does not tell."""
    value = parse_qs(urlsplit(url).query).get("expires", [""])[0]
    if not value.isascii() or not value.isdigit():
        return None
    try:
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
