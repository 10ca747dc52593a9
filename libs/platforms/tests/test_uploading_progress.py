"""An upload that stands still is noticed long before its deadline, wherever it stands."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from platforms.bodies import multipart
from platforms.bodies import raw as raw_body
from platforms.errors import OutcomeUnknown, PlatformError, Unavailable
from platforms.http import Http, Request, Timeouts

from .conftest import PIECE, Clip, answer, ignore_progress, misbehaving, read_request

pytestmark = pytest.mark.anyio
STILL = timedelta(milliseconds=300)
DEADLINE = timedelta(seconds=40)
SMALL = 256 * 1024
"""More than the server's side takes in unread, less than ours keeps."""


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    made = Http(Timeouts(write=STILL))
    yield made
    await made.aclose()


async def failure(http: Http, request: Request) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        await http.send(request)
    return caught.value


@asynccontextmanager
async def never_reading() -> AsyncIterator[str]:
    """The address of a server that accepts and looks at nothing."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


class Stuck(Clip):
    """A clip whose first piece is all that ever comes, or not even that."""

    def __init__(self, size: int, *, pieces: int) -> None:
        super().__init__(size)
        self._pieces = pieces

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            for _ in range(self._pieces):
                yield bytes(PIECE)
            await asyncio.Event().wait()
        finally:
            self.closed = True


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    while await reader.read(PIECE):
        pass


@pytest.mark.parametrize(("write", "told"), [(True, OutcomeUnknown), (False, Unavailable)])
async def test_a_small_upload_that_nobody_takes_may_yet_have_been_carried_out(
    http: Http, write: bool, told: type
) -> None:
    async with never_reading() as url:
        body = raw_body(Clip(SMALL), ignore_progress)
        error = await failure(http, Request("PUT", url, write=write, body=body, deadline=DEADLINE))
    assert (type(error), error.note) == (told, "ReadError")


async def test_a_large_upload_that_nobody_takes_was_not_carried_out(http: Http) -> None:
    clip = Clip(64 * PIECE)
    async with never_reading() as url:
        body = multipart(clip, ignore_progress, name="video")
        error = await failure(http, Request("POST", url, write=True, body=body, deadline=DEADLINE))
    assert type(error) is Unavailable
    assert error.note.startswith("sent in part")
    assert error.note != "sent in part: deadline"
    assert clip.closed


@pytest.mark.parametrize("pieces", [0, 1])
async def test_an_upload_whose_file_gives_nothing_more_was_not_carried_out(
    http: Http, pieces: int
) -> None:
    clip = Stuck(2 * PIECE, pieces=pieces)
    async with misbehaving(silent) as url:
        body = raw_body(clip, ignore_progress)
        error = await failure(http, Request("PUT", url, write=True, body=body, deadline=DEADLINE))
    assert (type(error), error.note) == (Unavailable, "sent in part: FileTimeout")
    assert clip.closed


async def test_a_files_own_timeout_passes_through(http: Http) -> None:
    class Late(Clip):
        async def stream(self) -> AsyncIterator[bytes]:
            yield bytes(PIECE)
            raise TimeoutError("the store's own")

    async with misbehaving(silent) as url:
        with pytest.raises(TimeoutError, match="the store's own"):
            await http.send(Request("PUT", url, body=raw_body(Late(2 * PIECE), ignore_progress)))


async def test_a_connection_that_was_used_before_is_watched_too(http: Http) -> None:
    seen = asyncio.Event()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        small = writer.get_extra_info("socket")
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await read_request(reader)
        writer.write(answer(b"{}"))
        await writer.drain()
        await reader.readexactly(1)
        seen.set()
        await asyncio.Event().wait()

    async with misbehaving(once) as url:
        await http.send(Request("GET", url))
        body = raw_body(Clip(PIECE), ignore_progress)
        error = await failure(http, Request("PUT", url, write=True, body=body, deadline=DEADLINE))
    assert seen.is_set(), "the second request took the same connection"
    assert type(error) is OutcomeUnknown
    assert error.note != "deadline"
