"""The media store: counts, hashes and limits what goes in; a folder or a bucket keeps it."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from publisher.media.bucket import Bucket
from publisher.media.errors import MediaTooLarge
from publisher.media.folder import Folder
from publisher.media.pieces import ahead, in_thread
from publisher.media.ports import Opened


class Place(Protocol):
    """Where files are kept. Keys are checked by the place."""

    async def put(self, key: str, pieces: AsyncGenerator[bytes, None]) -> None:
        """All of it or nothing; closes `pieces`."""
        ...

    def open(self, key: str) -> AbstractAsyncContextManager[Opened]:
        """Raises MediaMissing, MediaUnavailable."""
        ...

    async def delete(self, key: str) -> None:
        """No error when it is gone already."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written."""

    bytes: int
    sha256: str


class MediaStore:
    """Files by key."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def put(self, key: str, pieces: AsyncGenerator[bytes, None], *, limit: int) -> Stored:
        """Write a file whose length may be unknown; memory does not grow with it.

        Raises MediaTooLarge beyond `limit` bytes. Whatever is raised, by `pieces` too, nothing
        is left behind.
        """
        meter = _Meter(limit)
        await self._place.put(key, ahead(meter.through(pieces)))
        return Stored(meter.count, meter.sha256)

    def open(self, key: str) -> AbstractAsyncContextManager[Opened]:
        """A file for reading. Raises MediaMissing, MediaUnavailable."""
        return self._place.open(key)

    async def delete(self, key: str) -> None:
        """Remove an upload; no error when it is gone already."""
        await self._place.delete(key)


def open_store(url: str) -> MediaStore:
    """The store of MEDIA_STORE_URL: `file:///folder`, a plain path, or `s3://bucket/prefix`."""
    parts = urlsplit(url)
    match parts.scheme:
        case "s3" if parts.netloc:
            return MediaStore(Bucket(url))
        case "file" if parts.netloc in ("", "localhost") and parts.path.strip("/"):
            return MediaStore(Folder(Path(unquote(parts.path))))
        case "" if parts.path:
            return MediaStore(Folder(Path(url)))
        case _:
            raise ValueError("write MEDIA_STORE_URL as file:///folder or s3://bucket/prefix")


class _Meter:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._hash = hashlib.sha256()
        self.count = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def through(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async with aclosing(pieces):
            async for piece in pieces:
                self.count += len(piece)
                if self.count > self._limit:
                    raise MediaTooLarge(f"more than {self._limit} bytes")
                await in_thread(self._hash.update, piece)
                yield piece
