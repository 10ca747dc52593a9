"""The media store in a bucket keeps the promises of the one in a folder."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from publisher.media.errors import MediaChanged, MediaMissing, MediaTooLarge, MediaUnavailable
from publisher.media.pieces import PIECE
from publisher.media.store import MediaStore, open_store

from .s3 import Bucket, s3

pytestmark = pytest.mark.anyio
KEY = "u/me/one/клип #1.mp4"
BIG = 13 * PIECE + 5


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bucket]:
    async with s3() as found:
        for name, value in {
            "AWS_ENDPOINT_URL": found.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "ru-1",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "key",
        }.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def store(bucket: Bucket) -> MediaStore:  # noqa: ARG001 - sets the environment
    return open_store("s3://clips/media")


async def pieces_of(data: bytes) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


async def test_what_was_put_in_parts_is_read_in_pieces(store: MediaStore, bucket: Bucket) -> None:
    data = os.urandom(BIG)
    stored = await store.put(KEY, pieces_of(data), limit=BIG)
    assert stored.bytes == BIG
    assert list(bucket.objects) == [f"media/{KEY}"]
    assert bucket.largest_part <= 6 * PIECE
    assert bucket.unfinished == {}
    async with store.open(KEY) as opened:
        assert opened.head.size == BIG
        assert opened.head.modified is not None
        pieces = [piece async for piece in opened.pieces(3, BIG)]
        assert b"".join(pieces) == data[3:]
        assert max(len(piece) for piece in pieces) == PIECE
        assert await opened.read(BIG - 2, 100) == data[-2:]
        assert await opened.read(BIG, 100) == b""
    await store.delete(KEY)
    assert bucket.objects == {}


@pytest.mark.parametrize("limit", [10, 8 * PIECE])
async def test_a_file_that_is_too_long_leaves_nothing(
    store: MediaStore, bucket: Bucket, limit: int
) -> None:
    with pytest.raises(MediaTooLarge):
        await store.put(KEY, pieces_of(b"x" * BIG), limit=limit)
    assert bucket.objects == {}
    assert bucket.unfinished == {}


async def test_a_cancelled_upload_is_never_seen(store: MediaStore, bucket: Bucket) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        yield b"x" * PIECE
        begun.set()
        await never.wait()

    task = asyncio.create_task(store.put(KEY, endless(), limit=BIG))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bucket.objects == {}


async def test_what_is_not_there_is_missing(store: MediaStore) -> None:
    with pytest.raises(MediaMissing):
        async with store.open(KEY):
            pass


@pytest.mark.parametrize(
    "key",
    ["../you/a.mp4", "/u/me/a.mp4", "u/me/../you/a.mp4", "u/me/./a", "u/me/a\0", "u/me/..\\a", "x"],
)
async def test_m3_a_key_that_leads_elsewhere_never_reaches_the_bucket(
    store: MediaStore, bucket: Bucket, key: str
) -> None:
    bucket.down = True  # or it would answer
    with pytest.raises(MediaMissing):
        async with store.open(key):
            pass
    with pytest.raises(MediaMissing):
        await store.put(key, pieces_of(b"x"), limit=1)
    with pytest.raises(MediaMissing):
        await store.delete(key)


async def test_an_object_that_changes_or_goes_is_noticed(store: MediaStore, bucket: Bucket) -> None:
    await store.put(KEY, pieces_of(b"x" * 100), limit=100)
    async with store.open(KEY) as opened:
        bucket.objects[f"media/{KEY}"] = b"y" * 100
        with pytest.raises(MediaChanged):
            await opened.read(0, 10)
        del bucket.objects[f"media/{KEY}"]
        with pytest.raises(MediaMissing):
            await opened.read(0, 10)


async def test_a_bucket_that_refuses_us_is_unavailable(store: MediaStore, bucket: Bucket) -> None:
    bucket.down = True
    with pytest.raises(MediaUnavailable) as raised:
        async with store.open(KEY):
            pass
    assert "http" not in raised.value.why
