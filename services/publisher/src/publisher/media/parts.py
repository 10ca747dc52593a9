"""Everything the media routes and the publishing steps work with, built once in wiring."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.clock import Clock
from publisher.media.errors import MediaChanged, MediaMissing
from publisher.media.links import Links
from publisher.media.ports import MediaBook, MediaRef, Opened, Publications
from publisher.media.remote import Remote
from publisher.media.store import MediaStore


@dataclass(frozen=True, slots=True)
class Files:
    """Where the bytes of a publication come from: the store or an allowed host."""

    store: MediaStore
    remote: Remote

    @asynccontextmanager
    async def open(self, ref: MediaRef) -> AsyncIterator[Opened]:
        """The file that was accepted, and no other.

        Raises MediaMissing, MediaChanged, MediaRefused, MediaUnavailable.
        """
        if ref.key is not None:
            place = self.store.open(ref.key)
        elif ref.url is not None:
            place = self.remote.open(ref.url)
        else:
            raise MediaMissing("neither a key nor an address")
        async with place as opened:
            if opened.head.size != ref.bytes or opened.head.etag != ref.etag:
                raise MediaChanged("another size or tag than was accepted")
            yield opened


@dataclass(frozen=True, slots=True)
class MediaParts:
    """`app.state.media`. `max_bytes` is the largest file that any platform takes."""

    files: Files
    book: MediaBook
    publications: Publications
    links: Links
    clock: Clock
    max_bytes: int
