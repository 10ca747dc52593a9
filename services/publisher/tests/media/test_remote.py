"""Files of allowed hosts are read by ranges; a lying, changed or endless answer is found out."""

import asyncio
import gzip
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.ids import new_id
from publisher.media.accept import accept_url
from publisher.media.errors import (
    MediaChanged,
    MediaError,
    MediaMissing,
    MediaRefused,
    MediaUnavailable,
)
from publisher.media.parts import Files, MediaParts
from publisher.media.pieces import PIECE
from publisher.media.remote import Remote
from publisher.media.remote_file import Patience
from publisher.media.source import PublicationMedia

from .certificates import certificate
from .origin import Origin, answer, origin, partial

pytestmark = pytest.mark.anyio


def remote(host: Origin, **more: Any) -> Remote:
    return Remote((host.entry,), **more)


async def whole(files: Remote, url: str) -> bytes:
    async with files.open(url) as opened:
        return b"".join([piece async for piece in opened.pieces(0, opened.head.size)])


async def test_a_file_is_found_and_read_by_ranges() -> None:
    data = os.urandom(2 * PIECE + 7)
    async with origin(data) as host, remote(host).open(host.url) as opened:
        assert (opened.head.size, opened.head.etag) == (len(data), '"one"')
        assert await opened.read(PIECE, 10) == data[PIECE : PIECE + 10]
        assert await opened.read(len(data) - 1, 10) == data[-1:]
        assert await opened.read(len(data), 10) == b""
        pieces = [piece async for piece in opened.pieces(1, len(data))]
        assert b"".join(pieces) == data[1:]
        assert [len(piece) for piece in pieces] == [PIECE, PIECE, 6]


async def test_the_request_tells_the_name_and_no_more_than_needed() -> None:
    async with origin(b"x" * 10) as host:
        await whole(remote(host), host.url)
        for head in host.asked:
            assert head.startswith("GET /clips/clip%20one.mp4?token=t HTTP/1.1\r\n")
            assert f"Host: 127.0.0.1:{host.port}\r\n" in head
            assert "Accept-Encoding: identity\r\n" in head
            assert "cookie" not in head.lower()
            assert "authorization" not in head.lower()


async def test_a_clip_by_address_is_accepted_and_streamed(parts: MediaParts, clip: bytes) -> None:
    async with origin(clip) as host:
        parts = replace(parts, files=Files(parts.files.store, remote(host)))
        ref = await accept_url(parts, host.url)
        assert (ref.name, ref.bytes, ref.duration) == ("clip one.mp4", len(clip), 4.0)
        assert ref.sha256 is None
        assert ref.from_json(ref.to_json()) == ref
        media = PublicationMedia(new_id(), ref, parts.files, parts.links)
        assert b"".join([piece async for piece in media.stream()]) == clip


@pytest.mark.parametrize("change", ["etag", "size", "no etag"])
async def test_a_file_that_is_not_the_accepted_one_is_not_streamed(
    parts: MediaParts, clip: bytes, change: str
) -> None:
    async with origin(clip) as host:
        parts = replace(parts, files=Files(parts.files.store, remote(host)))
        ref = await accept_url(parts, host.url)
        match change:
            case "etag":
                host.etag = '"two"'
            case "size":
                host.data += b"x"
            case _:
                host.etag = None
        media = PublicationMedia(new_id(), ref, parts.files, parts.links)
        with pytest.raises(MediaChanged):
            await anext(media.stream())


async def test_a_change_between_two_reads_is_noticed() -> None:
    async with origin(b"x" * 100) as host, remote(host).open(host.url) as opened:
        host.etag = '"two"'
        with pytest.raises(MediaChanged):
            await opened.read(0, 10)


SIZE = 1000
BODY = b"x" * SIZE


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (answer("404 Not Found", "Content-Length: 0"), MediaMissing),
        (answer("410 Gone", "Content-Length: 0"), MediaMissing),
        (answer("403 Forbidden", "Content-Length: 0"), MediaMissing),
        (answer("500 Oops", "Content-Length: 0"), MediaUnavailable),
        (answer("429 Slow", "Content-Length: 0"), MediaUnavailable),
        (answer("200 OK", "Content-Length: 1000", body=BODY), MediaRefused),
        (answer("204 No Content"), MediaRefused),
        (answer("302 Found", "Content-Length: 0"), MediaRefused),
        (answer("416 Range", "Content-Length: 0"), MediaChanged),
        (answer("206 Partial", "Content-Length: 1", body=b"x"), MediaRefused),
        (partial(b"x", "bytes 5-5/1000"), MediaRefused),
        (partial(b"x", "bytes 0-5/1000"), MediaRefused),
        (partial(b"x", "bytes 0-0/*"), MediaRefused),
        (partial(b"x", "bytes 0-0/" + "9" * 30), MediaRefused),
        (partial(b"xx", "bytes 0-0/1000"), MediaRefused),
        (partial(b"x", "bytes 0-0/1000", None, "Content-Encoding: gzip"), MediaRefused),
        (b"not http at all\r\n\r\n", MediaUnavailable),
        (b"HTTP/1.1 206 OK\r\nX: " + b"y" * 200_000, MediaUnavailable),
    ],
)
async def test_m2_the_first_answer_is_judged(reply: bytes, error: type[MediaError]) -> None:
    async with origin(BODY) as host:
        host.reply = lambda _start, _stop: reply
        with pytest.raises(error) as raised:
            await whole(remote(host), host.url)
        assert str(host.port) not in raised.value.why
        assert "token" not in raised.value.why


def head_of(line: str) -> bytes:
    range_line = "Content-Range: bytes 0-999/1000"
    return answer("206 Partial Content", range_line, 'ETag: "one"', line, "Connection: close")


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("later", "error"),
    [
        (head_of("Content-Length: 999") + BODY, MediaRefused),
        (head_of(CHUNKED) + b"1f4\r\n" + BODY[:500] + b"\r\n0\r\n\r\n", MediaUnavailable),
        (head_of(CHUNKED) + b"7d0\r\n" + BODY + BODY + b"\r\n0\r\n\r\n", MediaRefused),
        (head_of("Content-Encoding: gzip") + gzip.compress(BODY), MediaRefused),
    ],
)
async def test_m2_a_body_that_lies_is_found_out(later: bytes, error: type[MediaError]) -> None:
    async with origin(BODY) as host:
        host.reply = lambda start, stop: host.honest(start, stop) if stop == 1 else later
        with pytest.raises(error):
            await whole(remote(host), host.url)


RANGE = "Content-Range: bytes 0-0/1000000"
SOME = bytes(64 * 1024)
CHUNK = b"10000\r\n" + SOME + b"\r\n"


@pytest.mark.parametrize(
    ("first", "later", "endless", "drip"),
    [
        (answer("206 Partial", RANGE, "Content-Encoding: gzip", CHUNKED), None, CHUNK, 0),
        (None, head_of("Content-Encoding: gzip\r\n" + CHUNKED), CHUNK, 0),
        (None, head_of(CHUNKED), CHUNK, 0),
        (answer("206 Partial", RANGE, CHUNKED), head_of(CHUNKED), CHUNK, 0),
        (b"HTTP/1.1 206 Partial\r\n", None, b"X: " + SOME + b"\r\n", 0),
        (b"HTTP/1.1 206 ", None, SOME, 0),
        (None, head_of("Content-Length: 1000"), b"", 1),
        (b"HTTP/1.1 206 Partial\r\n", None, b"", 1),
    ],
    ids=[
        "bomb first",
        "bomb later",
        "endless",
        "endless twice",
        "heads",
        "word",
        "drip",
        "slow head",
    ],
)
async def test_m2_no_body_holds_us_up_or_makes_us_grow(
    first: bytes | None, later: bytes | None, endless: bytes, drip: float
) -> None:
    """What is endless takes all memory of whoever collects it or unpacks it."""
    patience = Patience(opening=2, piece=2)
    async with origin(bytes(SIZE)) as host:

        def reply(start: int, stop: int) -> bytes:
            mine = first if stop == 1 else later
            if mine is None:
                return host.honest(start, stop)
            host.endless, host.drip = endless, drip
            return mine

        host.reply = reply
        tracemalloc.start()
        try:
            async with asyncio.timeout(10):
                with pytest.raises(MediaError):
                    await whole(remote(host, patience=patience), host.url)
            assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
        finally:
            tracemalloc.stop()
            host.endless = b""


async def test_a_bomb_that_hides_its_packing_stays_packed() -> None:
    """It is the file itself then: nothing of ours unpacks."""
    bomb = gzip.compress(bytes(64 * 1024 * 1024), 1)
    async with origin(bomb) as host:
        assert await whole(remote(host), host.url) == bomb


async def test_a_host_that_hangs_up_in_the_middle_is_unavailable() -> None:
    async with origin(BODY) as host, remote(host).open(host.url) as opened:
        host.reply = lambda start, stop: host.honest(start, stop)[:-1]
        host.hang_up = True
        with pytest.raises(MediaUnavailable):
            await opened.read(0, SIZE)


async def test_m2_a_drip_ends_with_our_patience() -> None:
    async with origin(b"x" * 5000) as host:
        patience = Patience(opening=5, piece=0.5)
        async with remote(host, patience=patience).open(host.url) as opened:
            host.drip = 1
            async with asyncio.timeout(5):
                with pytest.raises(MediaUnavailable):
                    await opened.read(0, 5000)


async def test_m2_a_host_that_never_answers_ends_with_our_patience() -> None:
    async with origin(BODY) as host:
        host.reply = lambda _start, _stop: b""
        with pytest.raises(MediaUnavailable):
            await whole(remote(host, patience=Patience(opening=0.3)), host.url)


async def test_nobody_listening_is_unavailable() -> None:
    async with origin(BODY) as host:
        pass
    with pytest.raises(MediaUnavailable):
        await whole(remote(host), host.url)


async def test_three_redirects_are_followed_and_not_four() -> None:
    async with origin(BODY) as host:
        hops = iter(range(100))

        def reply(most: int) -> Callable[[int, int], bytes]:
            def one(start: int, stop: int) -> bytes:
                if next(hops) < most:
                    return answer("302 Found", "Location: /next?x=1", "Content-Length: 0")
                return host.honest(start, stop)

            return one

        host.reply = reply(3)
        assert await whole(remote(host), host.url) == BODY
        hops = iter(range(100))
        host.reply = reply(4)
        with pytest.raises(MediaRefused):
            await whole(remote(host), host.url)


async def test_tls_proves_the_name_although_the_address_is_dialled(tmp_path: Path) -> None:
    server, trusted = certificate(tmp_path, "clips.test")

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async with origin(BODY, tls=server) as host:
        for name, good in (("clips.test", True), ("other.test", False)):
            entry = f"https://{name}:{host.port}"
            files = Remote((entry,), resolve=resolve, tls=trusted)
            if good:
                assert await whole(files, f"{entry}/a.mp4") == BODY
                assert f"Host: clips.test:{host.port}" in host.asked[0]
            else:
                with pytest.raises(MediaUnavailable):
                    await whole(files, f"{entry}/a.mp4")
        with pytest.raises(MediaUnavailable):
            await whole(
                Remote((f"https://clips.test:{host.port}",), resolve=resolve),
                f"https://clips.test:{host.port}/a.mp4",
            )
