"""A publication's file: settled when it is accepted, and the very same when it is sent."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from common.ids import new_id
from platforms.port import Media
from publisher.media.accept import accept_key, accept_url
from publisher.media.errors import MediaChanged, MediaMissing, NotVideo
from publisher.media.parts import Files, MediaParts
from publisher.media.pieces import PIECE
from publisher.media.ports import MediaRef
from publisher.media.remote import Remote
from publisher.media.source import PublicationMedia
from support.people import bearer
from support.waiting import eventually

from .origin import Origin, origin

pytestmark = pytest.mark.anyio


def lay(root: Path, key: str, data: bytes) -> str:
    """Put a file as the host product would."""
    file = root / key
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return key


def media_of(parts: MediaParts, ref: MediaRef) -> Media:
    return PublicationMedia(new_id(), ref, parts.files, parts.links)


async def everything(media: Media) -> bytes:
    return b"".join([piece async for piece in media.stream()])


async def test_an_upload_is_accepted_with_what_was_measured(
    gateway: httpx.AsyncClient, parts: MediaParts, clip: bytes
) -> None:
    sent = (await gateway.put("/v1/media/a.mp4", content=clip, headers=bearer("u"))).json()
    ref = await accept_key(parts, sent["key"], "u")
    assert (ref.bytes, ref.sha256, ref.name) == (len(clip), sent["sha256"], "a.mp4")
    media = media_of(parts, ref)
    assert (media.size, media.duration, media.width, media.height) == (len(clip), 4.0, 270, 480)
    assert await everything(media) == clip


async def test_an_upload_that_the_host_product_replaced_is_measured_anew(
    gateway: httpx.AsyncClient, parts: MediaParts, clip: bytes, root: Path
) -> None:
    sent = (await gateway.put("/v1/media/a.mp4", content=clip, headers=bearer("u"))).json()
    lay(root, sent["key"], clip + b"\0\0\0\x08free")
    ref = await accept_key(parts, sent["key"], "u")
    assert (ref.bytes, ref.sha256) == (len(clip) + 8, None)


async def test_a_file_of_the_host_product_is_accepted(
    parts: MediaParts, clip: bytes, root: Path
) -> None:
    ref = await accept_key(parts, lay(root, "u/me/2026/клип.mp4", clip), "me")
    assert (ref.name, ref.sha256, ref.height) == ("клип.mp4", None, 480)
    assert await everything(media_of(parts, ref)) == clip


@pytest.mark.parametrize("key", ["u/you/a.mp4", "u/me/../you/a.mp4", "u/me/none.mp4", "../a", ""])
async def test_what_is_not_mine_is_missing(
    parts: MediaParts, clip: bytes, root: Path, key: str
) -> None:
    lay(root, "u/you/a.mp4", clip)
    with pytest.raises(MediaMissing):
        await accept_key(parts, key, "me")


async def test_what_is_no_video_is_not_accepted(parts: MediaParts, root: Path) -> None:
    with pytest.raises(NotVideo):
        await accept_key(parts, lay(root, "u/me/a.mp4", b"text"), "me")


async def test_a_file_that_changed_or_went_is_not_sent(
    parts: MediaParts, clip: bytes, root: Path
) -> None:
    key = lay(root, "u/me/a.mp4", clip)
    media = media_of(parts, await accept_key(parts, key, "me"))
    lay(root, key, clip)
    with pytest.raises(MediaChanged):
        await everything(media)
    (root / key).unlink()
    with pytest.raises(MediaMissing):
        await everything(media)


async def test_each_attempt_reads_from_the_beginning(
    parts: MediaParts, clip: bytes, root: Path
) -> None:
    long = clip + (3 * PIECE - len(clip)).to_bytes(4) + b"free" + bytes(3 * PIECE - len(clip) - 8)
    media = media_of(parts, await accept_key(parts, lay(root, "u/me/a.mp4", long), "me"))
    first = media.stream()
    assert len(await anext(first)) == PIECE
    assert await everything(media) == long


@pytest.fixture
async def host(clip: bytes) -> AsyncIterator[Origin]:
    async with origin(clip) as found:
        yield found


class TestLinksToRemoteFiles:
    @pytest.fixture
    def parts(self, parts: MediaParts, host: Origin) -> MediaParts:
        return replace(parts, files=Files(parts.files.store, Remote((host.entry,))))

    @pytest.fixture
    async def path(self, parts: MediaParts, rows: Any, host: Origin) -> str:
        publication: UUID = new_id()
        ref = rows.publications[publication] = await accept_url(parts, host.url)
        return parts.links.link(publication, ref).removeprefix("http://clipcast.test")

    async def test_they_are_served_by_ranges_too(
        self, gateway: httpx.AsyncClient, path: str, clip: bytes
    ) -> None:
        assert (await gateway.get(path)).content == clip
        part = await gateway.get(path, headers={"Range": "bytes=-5"})
        assert (part.status_code, part.content) == (206, clip[-5:])
        assert (await gateway.head(path)).headers["content-length"] == str(len(clip))

    async def test_a_host_that_fails_before_the_first_byte_is_told(
        self, gateway: httpx.AsyncClient, path: str, host: Origin
    ) -> None:
        host.reply = lambda _start, _stop: b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
        assert (await gateway.get(path)).status_code == 503
        host.reply = lambda _start, _stop: b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
        assert (await gateway.get(path)).status_code == 404

    async def test_a_host_that_breaks_off_breaks_off_our_answer(
        self, gateway: httpx.AsyncClient, path: str, host: Origin
    ) -> None:
        def short(start: int, stop: int) -> bytes:
            host.hang_up = stop > 1
            return host.honest(start, stop) if stop == 1 else host.honest(start, stop)[:-1]

        host.reply = short
        with pytest.raises(httpx.RemoteProtocolError):
            await gateway.get(path)


async def test_a_reader_that_hangs_up_closes_the_file(
    gateway: httpx.AsyncClient, parts: MediaParts, rows: Any, clip: bytes, root: Path
) -> None:
    padding = 40 * PIECE
    long = clip + padding.to_bytes(4) + b"free" + bytes(padding - 8)
    publication = new_id()
    ref = await accept_key(parts, lay(root, "u/me/a.mp4", long), "me")
    rows.publications[publication] = ref
    path = parts.links.link(publication, ref).removeprefix("http://clipcast.test")

    async def is_open() -> bool:
        return str(root / "u/me/a.mp4") in open_files()

    async def closed() -> bool:
        return not await is_open()

    async with gateway.stream("GET", path) as answer:
        assert answer.status_code == 200
        await eventually(is_open)
    await eventually(closed)


def open_files() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.add(str(link.readlink()))
        except FileNotFoundError:
            continue
    return found
