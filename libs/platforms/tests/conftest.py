"""A clip that is made up piece by piece, and a server that misbehaves byte by byte."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

PIECE = 1024 * 1024
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the services run on."""
    return "asyncio", {"use_uvloop": True}


class Clip:
    """`size` bytes of nothing."""

    name = 'my "clip".mp4'
    sha256 = None
    duration = 1.5
    width = 1080
    height = 1920

    def __init__(self, size: int = 10, *, fails_after: int | None = None) -> None:
        self.size = size
        self._fails_after = fails_after
        self.closed = False

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            sent = 0
            while sent < self.size:
                if self._fails_after is not None and sent >= self._fails_after:
                    raise FileNotFoundError("the clip vanished")
                piece = bytes(min(PIECE, self.size - sent))
                yield piece
                sent += len(piece)
        finally:
            self.closed = True

    def link(self) -> str:
        return "https://media.example.org/clips/1?sig=abc"


async def ignore_progress(sent: int) -> None:
    del sent


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """A whole request: its head and as much body as it announces."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(ln.split(b":")[1]) for ln in lines if ln.startswith(b"content-length")), 0)
    return head + await reader.readexactly(length)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def misbehaving(behaviour: Behaviour) -> AsyncIterator[str]:
    """The address of a server whose every connection behaves like this."""
    open_ones: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_ones.add(task)
        try:
            await behaviour(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except RuntimeError:  # uvloop: written to after the other side had closed
            if not writer.transport.is_closing():
                raise
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in open_ones:
            task.cancel()


def answering(data: bytes) -> Behaviour:
    """Reads one request, then sends these bytes and closes."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(data)
        await writer.drain()

    return behave
