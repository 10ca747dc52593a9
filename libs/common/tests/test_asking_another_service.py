"""What one service makes of another's answers, and of none."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from common.http.internal import InternalClient, ServiceUnavailable

pytestmark = pytest.mark.anyio
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def asking(behaviour: Behaviour) -> AsyncIterator[InternalClient]:
    """A client of a server whose every connection behaves like this."""
    server = await asyncio.start_server(behaviour, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = made(f"http://127.0.0.1:{port}/")
    yield client
    await client.aclose()
    server.close()


def made(url: str) -> InternalClient:
    return InternalClient(url, caller="publisher", callee="oauth-gateway", secret="s" * 32)


def answering(body: bytes, status: str = "200 OK") -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    return behave


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        ("200 OK", b'{"a": 1}', (200, {"a": 1})),
        ("204 No Content", b"", (204, {})),
        ("410 Gone", b'{"code": "x"}', (410, {"code": "x"})),
        (
            "503 Busy",
            b'{"code": "platform_unavailable"}',
            (503, {"code": "platform_unavailable"}),
        ),
    ],
)
async def test_an_answer_is_a_status_and_an_object(
    status: str, body: bytes, told: tuple[int, dict[str, object]]
) -> None:
    async with asking(answering(body, status)) as client:
        assert await client.call("POST", "/internal/v1/x", {}) == told


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (answering(b"{}", "500 Oops"), "oauth-gateway: 500"),
        (answering(b"<html>"), "oauth-gateway: no JSON"),
        (answering(b"", "what"), "oauth-gateway: ProtocolError"),
    ],
)
async def test_what_is_no_answer_is_told_without_the_address(
    behaviour: Behaviour, why: str
) -> None:
    async with asking(behaviour) as client:
        with pytest.raises(ServiceUnavailable) as caught:
            await client.call("GET", "/internal/v1/secret")
    assert str(caught.value) == why


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = made(f"http://127.0.0.1:{port}")
    with pytest.raises(ServiceUnavailable, match="oauth-gateway: ConnectError"):
        await client.call("GET", "/x")
    await client.aclose()


async def test_a_question_whose_answer_is_lost_is_not_asked_again() -> None:
    asked = 0

    async def second_is_lost(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            asked += 1
            if asked % 2:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async with asking(second_is_lost) as client:
        await client.call("DELETE", "/x")
        with pytest.raises(ServiceUnavailable):
            await client.call("DELETE", "/x")
    assert asked == 2
