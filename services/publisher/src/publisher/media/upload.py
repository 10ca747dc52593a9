"""Takes in a file that a person sends: whole, small enough and a video, or not at all."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from publisher.media import keys
from publisher.media.errors import MediaError, MediaTooLarge, NotVideo
from publisher.media.parts import MediaParts
from publisher.media.pieces import regroup
from publisher.media.ports import MediaRecord
from publisher.media.probe import begins_like_video, probe
from publisher.media.store import Stored


async def upload(
    parts: MediaParts, user: str, name: str, chunks: AsyncIterator[bytes], *, declared: int | None
) -> MediaRecord:
    """Store the file of `declared` bytes (None: unknown) and remember it.

    Raises MediaTooLarge, NotVideo, and what `chunks` raises; nothing is left behind then.
    """
    if declared is not None and declared > parts.max_bytes:
        raise MediaTooLarge(f"{declared} bytes")
    key = keys.new_key(user, name)
    pieces = _like_video(regroup(chunks))
    stored = await parts.files.store.put(key, pieces, limit=parts.max_bytes)
    try:
        record = await _examined(parts, user, key, stored)
        await parts.book.add(record)
    except BaseException:
        with suppress(MediaError):
            await parts.files.store.delete(key)
        raise
    return record


async def _examined(parts: MediaParts, user: str, key: str, stored: Stored) -> MediaRecord:
    async with parts.files.store.open(key) as opened:
        video = await probe(opened.read, opened.head.size)
        return MediaRecord(
            key=key,
            user_id=user,
            name=key.rsplit("/", 1)[-1],
            bytes=stored.bytes,
            sha256=stored.sha256,
            etag=opened.head.etag or "",
            duration=video.duration,
            width=video.width,
            height=video.height,
            created_at=parts.clock.now(),
        )


async def _like_video(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Refuses a wrong file at its first piece instead of taking in ten gigabytes of it."""
    first = True
    async for piece in pieces:
        if first and not begins_like_video(piece):
            raise NotVideo("not an MP4 or MOV file")
        first = False
        yield piece
    if first:
        raise NotVideo("an empty file")
