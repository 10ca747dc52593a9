"""The media store in an S3-compatible bucket.

Region, endpoint and credentials come from the usual `AWS_*` settings, which obstore reads itself.
An upload whose process dies leaves invisible parts in the bucket: give it a lifecycle rule that
aborts incomplete multipart uploads.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import S3Store

from common.observe import logs
from publisher.media import keys
from publisher.media.errors import MediaChanged, MediaMissing, MediaUnavailable
from publisher.media.pieces import PIECE, by_blocks
from publisher.media.ports import Head

log = logs.get(__name__)
PART = 6 * PIECE
"""S3 takes at most 10,000 parts a file: enough for 58 GiB."""
PARTS_AT_ONCE = 2
BLOCK = 2 * PIECE
"""One request fetches that much: a connection is never held open by a slow reader. With more, each
file that is being sent takes more memory; with less, the store's round trips slow it down."""


class Bucket:
    """Objects below one prefix."""

    def __init__(self, url: str) -> None:
        self._store = S3Store.from_url(
            url,
            client_options={
                "connect_timeout": timedelta(seconds=5),
                "timeout": timedelta(seconds=60),
                # obstore forgets this setting of its own as soon as it is given options.
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true"),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=60)},
        )

    async def put(self, key: str, pieces: AsyncGenerator[bytes, None]) -> None:
        """Write an object; S3 shows it once all its parts are there."""
        path = "/".join(keys.split(key))
        async with aclosing(pieces):
            with _told():
                await obstore.put_async(
                    self._store, path, pieces, chunk_size=PART, max_concurrency=PARTS_AT_ONCE
                )

    @asynccontextmanager
    async def open(self, key: str) -> AsyncIterator["OpenObject"]:
        """Raises MediaMissing."""
        path = "/".join(keys.split(key))
        with _told():
            meta = await obstore.head_async(self._store, path)
        head = Head(size=meta["size"], etag=meta["e_tag"], modified=meta["last_modified"])
        yield OpenObject(self._store, path, head)

    async def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        with _told():
            await obstore.delete_async(self._store, "/".join(keys.split(key)))


class OpenObject:
    """One version of an object: each request names its tag."""

    def __init__(self, store: S3Store, path: str, head: Head) -> None:
        self._store = store
        self._path = path
        self.head = head

    async def read(self, offset: int, length: int) -> bytes:
        """See `Opened`."""
        return bytes(await self._fetch(offset, length))

    def pieces(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """See `Opened`."""
        return by_blocks(self._fetch, start, stop, BLOCK)

    async def _fetch(self, offset: int, length: int) -> memoryview:
        stop = min(offset + length, self.head.size)
        if stop <= offset:
            return memoryview(b"")
        with _told():
            found = await obstore.get_async(
                self._store,
                self._path,
                options={"range": (offset, stop), "if_match": self.head.etag},
            )
            data = memoryview(await found.bytes_async())
        if len(data) != stop - offset or found.meta["size"] != self.head.size:
            raise MediaChanged("another size")
        return data


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise MediaMissing("no such object") from None
    except PreconditionError:
        raise MediaChanged("another tag") from None
    except BaseError as error:
        # The server's answer is for the operator (a wrong key, a wrong clock), not for people.
        detail = str(error).partition("\n")[0][:300]
        log.warning("media_store_failed", error=type(error).__name__, detail=detail)
        raise MediaUnavailable(type(error).__name__) from None
