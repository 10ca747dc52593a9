"""A slow Rutube and a host of links for it to fetch."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from sandbox.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(
        public_url="http://sandbox.test", processing_seconds=60, link_patience_seconds=0.3
    )


@pytest.fixture
def clip(mp4: Callable[..., bytes]) -> bytes:
    return mp4(270, 480, 4, b"clip" * 500)


@pytest.fixture
def asked() -> Counter[str]:
    """How often each link was asked for."""
    return Counter()


@pytest.fixture
async def links(clip: bytes, asked: Counter[str]) -> AsyncIterator[str]:
    """A host of files: a clip, one that only the second asker gets, a page, one that never comes,
    and one that is no video."""
    stop = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        kind = b"text/html" if path == b"/page" else b"video/mp4"
        body = clip if path in (b"/clip.mp4", b"/late.mp4") else b"not a video at all"
        asked[path.decode()] += 1
        status = b"404 Not Found" if path == b"/missing" else b"200 OK"
        writer.write(b"HTTP/1.1 %b\r\nContent-Type: %b\r\n" % (status, kind))
        writer.write(b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        if path == b"/stuck" or (path == b"/late.mp4" and asked[path.decode()] == 1):
            await stop.wait()
        writer.write(body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield f"http://{host}:{port}"
    stop.set()
    # Whoever is just being let in would find the server closed: first nobody more is let in.
    asyncio.get_running_loop().remove_reader(server.sockets[0].fileno())
    for _ in range(3):
        await asyncio.sleep(0)
    server.close()
