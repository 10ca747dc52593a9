"""A fresh sandbox per test: in process for speed, or on a real socket where the wire matters."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.transport import DroppableProtocol
from sandbox.world import World, make_world

ORIGIN = "http://sandbox.test"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings() -> Settings:
    return Settings(public_url=ORIGIN, sandbox_consent="allow")


@pytest.fixture
def world(settings: Settings) -> World:
    return make_world(settings)


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the app in process; redirects are not followed."""
    transport = httpx.ASGITransport(app=create_app(world))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as opened:
        yield opened


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[httpx.AsyncClient]:
    listening = socket.create_server(("127.0.0.1", 0))  # accepts before the server runs
    config = uvicorn.Config(
        create_app(world),
        http=DroppableProtocol,
        ws="none",
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    port = listening.getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as opened:
            yield opened
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def served(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the app through a real socket of uvicorn."""
    async with serving(world) as opened:
        yield opened


@pytest.fixture
def mp4() -> Callable[..., bytes]:
    """Makes the smallest file that says what it is: `mp4(width, height, seconds, padding)`."""

    def make(
        width: int = 1080, height: int = 1920, seconds: int = 15, padding: bytes = b""
    ) -> bytes:
        mvhd = struct.pack(">IIIII", 0, 0, 0, 1000, seconds * 1000) + bytes(80)
        matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
        tkhd = bytes(40) + matrix + struct.pack(">II", width << 16, height << 16)
        moov = _box(b"mvhd", mvhd) + _box(b"trak", _box(b"tkhd", tkhd))
        ftyp = _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
        return ftyp + _box(b"mdat", padding) + _box(b"moov", moov)

    return make


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content
