"""Settles which file a new publication is about, before anything is written."""

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from publisher.media import keys
from publisher.media.errors import MediaMissing
from publisher.media.parts import MediaParts
from publisher.media.ports import MediaRef, Opened
from publisher.media.probe import probe


async def accept_key(parts: MediaParts, key: str, user: str) -> MediaRef:
    """A file in the store, uploaded through us or put there by the host product.

    Raises MediaMissing (another's key too), NotVideo, MediaUnavailable.
    """
    if not keys.belongs(key, user):
        raise MediaMissing("not this user's")
    record = await parts.book.find(key, user)
    async with parts.files.store.open(key) as opened:
        head = opened.head
        if record is None or (record.bytes, record.etag) != (head.size, head.etag):
            return await _probed(opened, key=key, url=None, name=key.rsplit("/", 1)[-1])
        return MediaRef(
            key=key,
            url=None,
            name=record.name,
            bytes=record.bytes,
            sha256=record.sha256,
            etag=record.etag,
            duration=record.duration,
            width=record.width,
            height=record.height,
        )


async def accept_url(parts: MediaParts, url: str) -> MediaRef:
    """A file on an allowed host. Raises MediaRefused, MediaMissing, NotVideo, MediaUnavailable."""
    async with parts.files.remote.open(url) as opened:
        name = PurePosixPath(unquote(urlsplit(url).path)).name
        return await _probed(opened, key=None, url=url, name=name)


async def _probed(opened: Opened, *, key: str | None, url: str | None, name: str) -> MediaRef:
    head = opened.head
    video = await probe(opened.read, head.size)
    return MediaRef(
        key=key,
        url=url,
        name=keys.safe_name(name),
        bytes=head.size,
        sha256=None,
        etag=head.etag,
        duration=video.duration,
        width=video.width,
        height=video.height,
    )
