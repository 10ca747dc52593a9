"""What comes in through PUT /v1/media is whole, small enough and a video, or leaves no trace."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from publisher.http import media
from publisher.media.parts import MediaParts
from support.people import bearer
from support.waiting import eventually

pytestmark = pytest.mark.anyio
Left = Callable[[], list[str]]


async def in_chunks(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 50_000):
        yield data[at : at + 50_000]


async def test_a_clip_is_stored_under_its_owner(
    gateway: httpx.AsyncClient, clip: bytes, left: Left
) -> None:
    answer = await gateway.put("/v1/media/my clip.mp4", content=clip, headers=bearer("user-1"))

    assert answer.status_code == 201
    body = answer.json()
    assert body["key"].startswith("u/user-1/")
    assert body["key"].endswith("/my clip.mp4")
    assert body["bytes"] == len(clip)
    assert body["sha256"] == hashlib.sha256(clip).hexdigest()
    assert (body["duration"], body["width"], body["height"]) == (4.0, 270, 480)
    assert left() == [body["key"]]


async def test_a_clip_of_unknown_length_is_stored(gateway: httpx.AsyncClient, clip: bytes) -> None:
    answer = await gateway.put("/v1/media/a.mp4", content=in_chunks(clip), headers=bearer("u"))
    assert answer.json()["bytes"] == len(clip)


async def test_an_upload_needs_a_token(gateway: httpx.AsyncClient, clip: bytes, left: Left) -> None:
    answer = await gateway.put("/v1/media/a.mp4", content=clip)
    assert answer.status_code == 401
    assert left() == []


@pytest.mark.parametrize("content", [b"", b"<html>" * 1000, b"\0\0\0\x18ftypmp42" + b"\0" * 5000])
async def test_what_is_no_video_is_refused(
    gateway: httpx.AsyncClient, content: bytes, left: Left
) -> None:
    answer = await gateway.put("/v1/media/a.mp4", content=content, headers=bearer("u"))
    assert (answer.status_code, answer.json()["code"]) == (422, "media_not_video")
    assert answer.headers["content-type"] == "application/problem+json"
    assert left() == []


async def test_a_clip_that_is_cut_short_is_no_video(
    gateway: httpx.AsyncClient, clip: bytes, left: Left
) -> None:
    answer = await gateway.put("/v1/media/a.mp4", content=clip[:-1], headers=bearer("u"))
    assert answer.json()["code"] == "media_not_video"
    assert left() == []


async def test_m2_too_many_bytes_are_refused_when_announced_and_when_not(
    gateway: httpx.AsyncClient, clip: bytes, parts: MediaParts, left: Left
) -> None:
    huge = clip + b"\0" * parts.max_bytes
    for content in (huge, in_chunks(huge)):
        try:
            answer = await gateway.put("/v1/media/a.mp4", content=content, headers=bearer("u"))
        except httpx.WriteError:
            continue  # refused and hung up while we were still sending
        assert (answer.status_code, answer.json()["code"]) == (413, "media_too_large")
    assert left() == []


async def test_a_hang_up_leaves_nothing(
    gateway: httpx.AsyncClient, clip: bytes, left: Left
) -> None:
    address = urlsplit(str(gateway.base_url))
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    head = "".join(f"{name}: {value}\r\n" for name, value in bearer("u").items())
    writer.write(
        f"PUT /v1/media/a.mp4 HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 2000000\r\n\r\n".encode()
        + clip
        + b"\0" * 1_500_000
    )
    await writer.drain()

    async def drafted() -> bool:
        return len(left()) == 1

    async def gone() -> bool:
        return left() == []

    await eventually(drafted)
    assert left()[0].startswith(".incoming/")
    writer.transport.abort()
    await eventually(gone)


async def test_m2_an_upload_that_drips_is_given_up_and_leaves_nothing(
    gateway: httpx.AsyncClient, clip: bytes, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "PIECE_SECONDS", 1)

    async def dripping() -> AsyncIterator[bytes]:
        for at in range(len(clip)):
            yield clip[at : at + 1]
            await asyncio.sleep(0.1)

    async with asyncio.timeout(20):
        with suppress(httpx.NetworkError):  # refused and hung up while we were still sending
            answer = await gateway.put("/v1/media/a.mp4", content=dripping(), headers=bearer("u"))
            assert answer.status_code == 400
    assert left() == []


async def test_a_failing_database_leaves_nothing(
    gateway: httpx.AsyncClient, clip: bytes, rows: Any, left: Left
) -> None:
    rows.down = True
    answer = await gateway.put("/v1/media/a.mp4", content=clip, headers=bearer("u"))
    assert answer.status_code == 503
    assert left() == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("клип 1.mp4", "клип 1.mp4"),
        ("..\\..\\windows\\a.mp4", "a.mp4"),
        ("a\u202e\x00\x1b[2Jb.mp4", "a[2Jb.mp4"),
        ('q"?*<>|:#%.mp4', "q_________.mp4"),
        ("..", "clip.mp4"),
        ("я" * 300 + ".mp4", "я" * 78 + ".mp4"),
    ],
)
async def test_names_are_made_harmless(
    gateway: httpx.AsyncClient, clip: bytes, given: str, kept: str
) -> None:
    path = "/v1/media/" + quote(given, safe="").replace("..", "%2E%2E")
    answer = await gateway.put(path, content=clip, headers=bearer("u"))
    if answer.status_code == 404:  # the client took `..` for a path
        assert given == ".."
        return
    assert answer.json()["key"].rsplit("/", 1)[-1] == kept
