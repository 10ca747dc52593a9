"""The proxy between two real sockets: each fault is seen by the side that shall see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from chaos.proxy import Proxy, Way
from localrun.ports import LOOPBACK

pytestmark = pytest.mark.anyio
PATIENCE = 5.0


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


class Echo:
    """A server that answers what it hears and remembers it."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.broken = asyncio.Event()
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                self.heard += piece
                writer.write(piece)
                await writer.drain()
            self.ended.set()
            await reader.read()
        except OSError:
            self.broken.set()
        writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, Proxy]]:
    async with running() as found:
        yield found


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Echo, Proxy]]:
    server = Echo()
    async with AsyncExitStack() as stack:
        listening = await asyncio.start_server(server.serve, LOOPBACK, 0)
        stack.callback(listening.close)
        port: int = listening.sockets[0].getsockname()[1]
        proxy = Proxy(lambda: port, seed=1)
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        yield server, proxy


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connected(proxy: Proxy) -> Pair:
    return await asyncio.open_connection(LOOPBACK, proxy.port)


async def said(pair: Pair, words: bytes) -> bytes:
    """Say it and read as much again."""
    reader, writer = pair
    writer.write(words)
    async with asyncio.timeout(PATIENCE):
        return await reader.readexactly(len(words))


async def soon(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not look():  # noqa: ASYNC110 - what is waited for happens in another task
            await asyncio.sleep(0.005)


async def silent(answer: Awaitable[bytes], seconds: float = 0.2) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await answer
    except TimeoutError:
        return True
    return False


async def test_a_calm_proxy_hands_on_everything_both_ways(echo: tuple[Echo, Proxy]) -> None:
    pair = await connected(echo[1])
    assert await said(pair, b"x" * 1_000_000) == b"x" * 1_000_000


async def test_the_end_of_one_way_is_handed_on_and_the_other_lives(
    echo: tuple[Echo, Proxy],
) -> None:
    server, proxy = echo
    reader, writer = await connected(proxy)
    writer.write(b"last words")
    writer.write_eof()
    assert await reader.readexactly(10) == b"last words"
    await soon(server.ended.is_set)


async def test_cut_ends_open_connections_and_takes_new_ones(echo: tuple[Echo, Proxy]) -> None:
    proxy = echo[1]
    pair = await connected(proxy)
    await said(pair, b"before")
    proxy.cut()
    assert await pair[0].read() == b""
    assert await said(await connected(proxy), b"after") == b"after"


async def test_rst_is_an_error_on_the_client_not_an_end(echo: tuple[Echo, Proxy]) -> None:
    proxy = echo[1]
    pair = await connected(proxy)
    await said(pair, b"before")
    proxy.rst()
    with pytest.raises(ConnectionResetError):
        await pair[0].read()


async def test_refuse_turns_new_connections_away_until_calm(echo: tuple[Echo, Proxy]) -> None:
    proxy = echo[1]
    old = await connected(proxy)
    await said(old, b"old")
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await connected(proxy)
    assert await said(old, b"lives") == b"lives"
    await proxy.calm()
    assert await said(await connected(proxy), b"new") == b"new"


async def test_a_server_that_is_away_resets_the_client() -> None:
    proxy = Proxy(lambda: 1)
    await proxy.start()
    reader, _ = await connected(proxy)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    await proxy.stop()


async def test_delay_makes_every_piece_later_and_keeps_the_order(
    echo: tuple[Echo, Proxy],
) -> None:
    proxy = echo[1]
    pair = await connected(proxy)
    await said(pair, b"quick")
    proxy.delay(0.15, 0.05, (Way.TO_SERVER,))
    clock = asyncio.get_running_loop().time
    started = clock()
    assert await said(pair, b"slow") == b"slow"
    assert clock() - started >= 0.1
    assert await said(pair, bytes(range(256)) * 2000) == bytes(range(256)) * 2000


async def test_a_blackhole_swallows_and_its_connections_do_not_survive_it(
    echo: tuple[Echo, Proxy],
) -> None:
    server, proxy = echo
    reader, writer = await connected(proxy)
    await said((reader, writer), b"before")
    proxy.blackhole()
    writer.write(b"lost")
    assert await silent(reader.read(1))
    assert bytes(server.heard) == b"before"
    await proxy.calm()
    assert await reader.read() == b""
    assert bytes(server.heard) == b"before"
    assert await said(await connected(proxy), b"after") == b"after"


async def test_a_one_way_blackhole_lets_requests_through_and_loses_answers(
    echo: tuple[Echo, Proxy],
) -> None:
    server, proxy = echo
    proxy.blackhole((Way.TO_CLIENT,))
    reader, writer = await connected(proxy)
    writer.write(b"heard")
    await soon(lambda: bytes(server.heard) == b"heard")
    assert await silent(reader.read(1))


async def test_limit_spreads_bytes_over_time(echo: tuple[Echo, Proxy]) -> None:
    proxy = echo[1]
    proxy.limit(100_000, (Way.TO_SERVER,))
    pair = await connected(proxy)
    clock = asyncio.get_running_loop().time
    started = clock()
    await said(pair, b"x" * 30_000)
    assert clock() - started >= 0.2


async def test_drop_after_cuts_once_enough_bytes_went_by(echo: tuple[Echo, Proxy]) -> None:
    server, proxy = echo
    pair = await connected(proxy)
    await said(pair, b"x" * 500)
    proxy.drop_after(100, (Way.TO_CLIENT,))
    assert await said(pair, b"y" * 60) == b"y" * 60
    pair[1].write(b"z" * 60)
    assert await pair[0].read() == b""
    assert len(server.heard) == 620


async def test_half_close_shows_the_server_an_end_that_nobody_meant(
    echo: tuple[Echo, Proxy],
) -> None:
    server, proxy = echo
    pair = await connected(proxy)
    await said(pair, b"before")
    proxy.half_close(Way.TO_SERVER)
    await soon(server.ended.is_set)


async def test_no_connection_is_left_behind(echo: tuple[Echo, Proxy]) -> None:
    proxy = echo[1]
    _, writer = await connected(proxy)
    await soon(lambda: proxy.links == 1)
    writer.close()
    await soon(lambda: proxy.links == 0)
