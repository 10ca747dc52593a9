"""Nothing outside of the folder can be read or written, and nothing half is ever seen."""

import asyncio
import fcntl
import os
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from publisher.media.errors import MediaChanged, MediaMissing, MediaTooLarge
from publisher.media.folder import Folder
from publisher.media.pieces import PIECE
from publisher.media.store import MediaStore, open_store

pytestmark = pytest.mark.anyio
KEY = "u/me/one/a.mp4"
LEADING_AWAY = (
    "link.mp4",
    "chain.mp4",
    "inside.mp4",
    "linked/a.mp4",
    "proc/maps",
    "proc/root/etc/passwd",
    "pipe.mp4",
    "folder.mp4",
    "gone.mp4",
)


async def pieces_of(data: bytes, piece: int = PIECE) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(data), piece):
        yield data[at : at + piece]


async def read(store: MediaStore, key: str) -> bytes:
    async with store.open(key) as opened:
        return b"".join([piece async for piece in opened.pieces(0, opened.head.size)])


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def store(root: Path) -> MediaStore:
    return MediaStore(Folder(root))


async def test_what_was_put_is_read_in_pieces_of_a_mebibyte(store: MediaStore) -> None:
    data = os.urandom(2 * PIECE + 5)
    stored = await store.put(KEY, pieces_of(data), limit=len(data))
    assert stored.bytes == len(data)
    async with store.open(KEY) as opened:
        pieces = [piece async for piece in opened.pieces(0, len(data))]
        assert [len(piece) for piece in pieces] == [PIECE, PIECE, 5]
        assert b"".join(pieces) == data
        assert await opened.read(PIECE - 1, 3) == data[PIECE - 1 : PIECE + 2]
        assert await opened.read(len(data) - 1, 10) == data[-1:]
        assert opened.head.modified is not None


async def test_a_file_that_is_too_long_leaves_nothing(store: MediaStore, root: Path) -> None:
    with pytest.raises(MediaTooLarge):
        await store.put(KEY, pieces_of(b"x" * 5, 1), limit=4)
    assert list((root / ".incoming").iterdir()) == []
    with pytest.raises(MediaMissing):
        await read(store, KEY)


async def test_a_draft_is_not_seen_until_it_is_whole_and_goes_when_cancelled(
    store: MediaStore, root: Path
) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        yield b"x"
        begun.set()
        await never.wait()

    task = asyncio.create_task(store.put(KEY, endless(), limit=10))
    await begun.wait()
    assert len(list((root / ".incoming").iterdir())) == 1
    with pytest.raises(MediaMissing):
        await read(store, KEY)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((root / ".incoming").iterdir()) == []


async def test_drafts_of_dead_writers_are_removed_and_those_of_living_ones_stay(
    store: MediaStore, root: Path
) -> None:
    incoming = root / ".incoming"
    incoming.mkdir()
    long_ago = time.time() - 3600
    for name in ("dead.part", "alive.part"):
        (incoming / name).write_bytes(b"x")
        os.utime(incoming / name, (long_ago, long_ago))
    with (incoming / "alive.part").open() as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        await store.put(KEY, pieces_of(b"x"), limit=1)
    assert [path.name for path in incoming.iterdir()] == ["alive.part"]


async def test_deleting_takes_the_upload_and_its_folder(store: MediaStore, root: Path) -> None:
    await store.put(KEY, pieces_of(b"x"), limit=1)
    await store.delete(KEY)
    await store.delete(KEY)
    assert list((root / "u/me").iterdir()) == []


async def test_an_open_file_stays_the_same_when_another_takes_its_place(
    store: MediaStore,
) -> None:
    await store.put(KEY, pieces_of(b"old"), limit=9)
    async with store.open(KEY) as opened:
        await store.put(KEY, pieces_of(b"newer"), limit=9)
        assert await opened.read(0, 9) == b"old"
    async with store.open(KEY) as again:
        assert again.head.etag != opened.head.etag


@pytest.mark.parametrize("how", ["written", "cut"])
async def test_a_file_that_changes_under_the_reader_is_noticed(
    store: MediaStore, root: Path, how: str
) -> None:
    await store.put(KEY, pieces_of(b"x" * 100), limit=100)
    async with store.open(KEY) as opened:
        if how == "written":
            (root / KEY).write_bytes(b"y" * 100)
        else:
            os.truncate(root / KEY, 50)
        with pytest.raises(MediaChanged):
            await opened.read(0, 100)


async def test_m3_links_pipes_and_folders_are_no_files(store: MediaStore, root: Path) -> None:
    secret = root.parent / "secret"
    secret.mkdir()
    (secret / "a.mp4").write_text("secret")
    mine = root / "u/me"
    mine.mkdir(parents=True)
    (mine / "link.mp4").symlink_to(secret / "a.mp4")
    (mine / "linked").symlink_to(secret)
    (mine / "proc").symlink_to("/proc/self")
    (mine / "chain.mp4").symlink_to("link.mp4")
    (mine / "own.mp4").write_text("mine")
    (mine / "inside.mp4").symlink_to(mine / "own.mp4")
    os.mkfifo(mine / "pipe.mp4")
    (mine / "folder.mp4").mkdir()
    async with asyncio.timeout(5):
        for name in LEADING_AWAY:
            with pytest.raises(MediaMissing):
                await read(store, f"u/me/{name}")


@pytest.mark.parametrize("part", ["me", "me/one", "me/one/a.mp4"])
async def test_m3_a_link_that_is_swapped_in_during_the_run_leads_nowhere(
    store: MediaStore, root: Path, part: str
) -> None:
    """A file or folder of the path is a link at any moment; what is read is ours or nothing."""
    await store.put(KEY, pieces_of(b"mine"), limit=9)
    secret = root.parent / "secret"
    (secret / "one").mkdir(parents=True)
    for file in (secret / "a.mp4", secret / "one/a.mp4"):
        file.write_bytes(b"secret")
    place, aside, link = root / "u" / part, root.parent / "aside", root.parent / "link"
    target = {"me": secret, "me/one": secret, "me/one/a.mp4": secret / "a.mp4"}[part]
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            link.symlink_to(target)
            place.rename(aside)
            link.rename(place)
            place.unlink()
            aside.rename(place)

    swapping = asyncio.create_task(asyncio.to_thread(swap))
    seen: Counter[bytes] = Counter()
    try:
        async with asyncio.timeout(60):
            while min(seen[b"mine"], seen[b"nothing"]) < 150:
                try:
                    seen[await read(store, KEY)] += 1
                except MediaMissing:
                    seen[b"nothing"] += 1
    finally:
        done.set()
        await swapping
    assert set(seen) == {b"mine", b"nothing"}
    assert sorted(path.name for path in secret.rglob("*")) == ["a.mp4", "a.mp4", "one"]


async def test_m3_nothing_is_written_through_a_link(store: MediaStore, root: Path) -> None:
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (root / "u").mkdir(parents=True)
    (root / "u/me").symlink_to(elsewhere)
    with pytest.raises(MediaMissing):
        await store.put(KEY, pieces_of(b"x"), limit=1)
    assert list(elsewhere.iterdir()) == []
    assert list((root / ".incoming").iterdir()) == []


@pytest.mark.parametrize(
    "key",
    ["../x/y", "/etc/passwd", "u/../../etc/passwd", "u/a/../b", "u/a/\0", "u/a/b\n", "u/a/..\\b"],
)
async def test_m3_keys_that_leave_the_folder_are_missing(store: MediaStore, key: str) -> None:
    with pytest.raises(MediaMissing):
        await read(store, key)


async def test_no_descriptor_stays_open(store: MediaStore) -> None:
    await store.put(KEY, pieces_of(b"x" * 3 * PIECE), limit=3 * PIECE)
    before = open_descriptors()
    for _ in range(3):
        async with store.open(KEY) as opened:
            pieces = opened.pieces(0, opened.head.size)
            await anext(pieces)
            await pieces.aclose()
        with pytest.raises(MediaTooLarge):
            await store.put("u/me/two/b.mp4", pieces_of(b"xx"), limit=1)
    assert open_descriptors() == before


async def test_the_setting_names_a_folder(tmp_path: Path) -> None:
    for url in (f"file://{tmp_path}/with%20space", f"{tmp_path}/plain"):
        await open_store(url).put(KEY, pieces_of(b"x"), limit=1)
    assert (tmp_path / "with space" / KEY).read_bytes() == b"x"
    assert (tmp_path / "plain" / KEY).read_bytes() == b"x"


@pytest.mark.parametrize("url", ["", "s3://", "ftp://x/y", "file://host/x", "file:///"])
def test_a_setting_that_names_nothing_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="MEDIA_STORE_URL"):
        open_store(url)
