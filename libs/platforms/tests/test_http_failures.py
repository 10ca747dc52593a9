"""What each failure on the wire proves: nothing was sent, or nobody knows."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pydantic import SecretStr

from platforms.bodies import multipart
from platforms.bodies import raw as raw_body
from platforms.credentials import BotPath, Header
from platforms.errors import OutcomeUnknown, PlatformError, Unavailable
from platforms.http import Http, Request, Timeouts

from .conftest import (
    PIECE,
    Behaviour,
    Clip,
    answer,
    answering,
    ignore_progress,
    misbehaving,
    read_request,
    reset,
)

pytestmark = pytest.mark.anyio
BRIEF = timedelta(milliseconds=300)
PATIENT = timedelta(seconds=40)
"""For every phase that a test does not mean: a machine that is busy elsewhere for longer than that
looks like a server that does not answer, and then nothing was sent."""
ENOUGH_TO_SEND = timedelta(seconds=1.5)


@asynccontextmanager
async def client(
    *,
    connect: timedelta = PATIENT,
    read: timedelta = PATIENT,
    write: timedelta = PATIENT,
    pool: timedelta = PATIENT,
    connections: int = 50,
) -> AsyncIterator[Http]:
    phases = Timeouts(connect=connect, read=read, write=write, pool=pool)
    made = Http(phases, connections=connections)
    try:
        yield made
    finally:
        await made.aclose()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with client() as patient:
        yield patient


async def failure(http: Http, request: Request) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        (await http.send(request)).json()
    return caught.value


async def both(http: Http, behaviour: Behaviour) -> tuple[type, type]:
    """The classes of the same failure for a read and for a write."""
    async with misbehaving(behaviour) as url:
        read = await failure(http, Request("GET", url))
        write = await failure(http, Request("POST", url, write=True, form={"a": "b"}))
    return type(read), type(write)


async def reset_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    reset(writer)


async def reset_after_the_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await read_request(reader)
    reset(writer)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    await read_request(reader)
    await asyncio.Event().wait()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


UNTRUSTWORTHY = {
    "reset before anything was read": reset_at_once,
    "reset after the request": reset_after_the_request,
    "closed without an answer": answering(b""),
    "half a status line": answering(b"HTTP/1.1 20"),
    "half a body": answering(answer(b'{"ok": true}')[:-5]),
    "a page with 200": answering(answer(b"<html>hello</html>", "Content-Type: text/html")),
    "invalid JSON": answering(answer(b'{"ok": tru')),
    "a key given twice": answering(answer(b'{"id": 1, "id": 2}')),
    "NaN": answering(answer(b'{"views": NaN}')),
    "endless nesting": answering(answer(b"[" * 200_000)),
    "too large": answering(answer(b" " * (2 * 1024 * 1024 + 1))),
    "compressed though we asked for none": answering(answer(b"\x1f\x8b", "Content-Encoding: gzip")),
    "a bad gateway": answering(answer(b"<html>", status="502 Bad Gateway")),
    "an internal error in JSON": answering(answer(b"{}", status="500 Oops")),
}


@pytest.mark.parametrize("name", UNTRUSTWORTHY)
async def test_an_untrustworthy_answer_leaves_only_writes_unknown(http: Http, name: str) -> None:
    assert await both(http, UNTRUSTWORTHY[name]) == (Unavailable, OutcomeUnknown)


async def test_no_answer_in_time_leaves_only_writes_unknown() -> None:
    async with client(read=BRIEF) as http:
        assert await both(http, silent) == (Unavailable, OutcomeUnknown)


async def test_a_refused_connection_sent_nothing(http: Http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = await failure(http, Request("POST", f"http://127.0.0.1:{port}", write=True))
    assert type(error) is Unavailable
    assert error.note == "not sent: ConnectError"


async def test_a_name_nobody_knows_sent_nothing(http: Http) -> None:
    error = await failure(http, Request("POST", "http://nowhere.invalid", write=True))
    assert type(error) is Unavailable


async def test_a_connection_that_is_never_accepted_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        url = f"http://127.0.0.1:{address[1]}"
        async with client(connect=BRIEF) as http:
            error = await failure(http, Request("POST", url, write=True))
        for one in waiting:
            one.close()
    assert type(error) is Unavailable
    assert error.note == "not sent: ConnectTimeout"


async def test_a_failed_tls_handshake_sent_nothing(http: Http) -> None:
    async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"I speak no TLS\r\n")
        await writer.drain()

    async with misbehaving(no_tls) as url:
        secure = url.replace("http://", "https://")
        error = await failure(http, Request("POST", secure, write=True, form={"a": "b"}))
    assert type(error) is Unavailable


async def test_waiting_for_a_free_connection_sent_nothing() -> None:
    async with misbehaving(silent) as url, client(pool=BRIEF, connections=1) as http:
        busy = asyncio.create_task(http.send(Request("GET", url)))
        await asyncio.sleep(0)
        error = await failure(http, Request("POST", url, write=True))
        busy.cancel()
    assert type(error) is Unavailable
    assert error.note == "not sent: PoolTimeout"


async def test_the_deadline_ends_an_answer_that_drips(http: Http) -> None:
    async with misbehaving(dripping) as url:
        read = await failure(http, Request("GET", url, deadline=ENOUGH_TO_SEND))
        write = await failure(http, Request("POST", url, write=True, deadline=ENOUGH_TO_SEND))
    assert (type(read), read.note) == (Unavailable, "deadline")
    assert type(write) is OutcomeUnknown


async def reads_a_part(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(PIECE)
    reset(writer)


async def stops_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    await reader.readexactly(1000)
    await asyncio.Event().wait()


@pytest.mark.parametrize("behaviour", [reads_a_part, stops_reading])
async def test_half_an_upload_can_not_have_been_carried_out(behaviour: Behaviour) -> None:
    clip = Clip(64 * PIECE)
    async with misbehaving(behaviour) as url, client(write=BRIEF) as http:
        body = multipart(clip, ignore_progress, name="video")
        error = await failure(http, Request("POST", url, write=True, body=body))
    assert type(error) is Unavailable
    assert error.note.startswith("sent in part")
    assert clip.closed


async def test_a_whole_upload_without_an_answer_is_unknown(http: Http) -> None:
    async with misbehaving(reset_after_the_request) as url:
        body = multipart(Clip(3 * PIECE), ignore_progress, name="video")
        error = await failure(http, Request("POST", url, write=True, body=body))
    assert type(error) is OutcomeUnknown


async def answers_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await asyncio.sleep(2 * BRIEF.total_seconds())
    writer.write(answer(b"{}"))
    await writer.drain()


async def test_the_answer_to_a_whole_upload_may_take_as_long_as_the_upload() -> None:
    async with misbehaving(answers_late) as url, client(read=BRIEF) as http:
        body = multipart(Clip(PIECE), ignore_progress, name="video")
        got = await http.send(Request("POST", url, write=True, body=body, deadline=PATIENT))
        other = await failure(http, Request("POST", url, write=True))
    assert got.object() == {}
    assert type(other) is OutcomeUnknown


async def test_the_deadline_ends_the_wait_for_the_answer_to_an_upload(http: Http) -> None:
    async with misbehaving(silent) as url:
        body = multipart(Clip(PIECE), ignore_progress, name="video")
        request = Request("POST", url, write=True, body=body, deadline=ENOUGH_TO_SEND)
        error = await failure(http, request)
    assert (type(error), error.note) == (OutcomeUnknown, "deadline")


async def test_an_early_refusal_of_an_upload_is_heard(http: Http) -> None:
    async def too_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"{}", status="413 Too Large"))
        await writer.drain()
        while await reader.read(PIECE):
            pass

    async with misbehaving(too_large) as url:
        got = await http.send(Request("PUT", url, body=raw_body(Clip(PIECE), ignore_progress)))
    assert got.status == 413


async def test_an_upload_arrives_whole_with_its_exact_length(http: Http) -> None:
    seen: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(answer(b"{}"))
        await writer.drain()

    told: list[int] = []

    async def progress(sent: int) -> None:
        told.append(sent)

    async with misbehaving(keep) as url:
        form = {"chat_id": "-100", "caption": 'Привет "мир"'}
        body = multipart(Clip(2 * PIECE + 5), progress, name="video", fields=form)
        assert (await http.send(Request("POST", url, write=True, body=body))).object() == {}
    head, _, sent = seen[0].partition(b"\r\n\r\n")
    assert len(sent) == body.length
    assert b"transfer-encoding" not in head.lower()
    assert 'name="caption"\r\n\r\nПривет "мир"\r\n'.encode() in sent
    assert b'name="video"; filename="my %22clip%22.mp4"' in sent
    assert told == [PIECE, 2 * PIECE, 2 * PIECE + 5]


async def test_an_error_of_the_media_passes_through(http: Http) -> None:
    clip = Clip(3 * PIECE, fails_after=PIECE)
    async with misbehaving(silent) as url:
        with pytest.raises(FileNotFoundError):
            await http.send(Request("PUT", url, body=raw_body(clip, ignore_progress)))
    assert clip.closed


async def test_no_secret_gets_into_an_error_or_a_log(
    http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    seen: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(answer(b"<html>", status="502 Bad Gateway"))
        await writer.drain()

    bot, bearer = SecretStr("123:CANARY-bot"), SecretStr("CANARY-bearer")
    async with misbehaving(keep) as url:
        for request in (
            Request("POST", f"{url}/bot-/sendVideo", credential=BotPath(bot)),
            Request("POST", url, credential=Header("Bearer", bearer)),
        ):
            error = await failure(http, request)
            assert "CANARY" not in f"{error!r} {error.__cause__!r} {error.__context__!r}"
    assert b"POST /bot123:CANARY-bot/sendVideo " in seen[0]
    assert b"Authorization: Bearer CANARY-bearer" in seen[1]
    assert "CANARY" not in caplog.text


async def test_a_redirect_is_not_followed_and_cookies_are_forgotten(http: Http) -> None:
    seen: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        headers = ("Location: /elsewhere", "Set-Cookie: session=1", "Connection: close")
        writer.write(answer(b"", *headers, status="302 Found"))
        await writer.drain()

    async with misbehaving(redirect) as url:
        assert (await http.send(Request("GET", url))).status == 302
        assert (await http.send(Request("GET", url))).status == 302
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()
