"""What goes over the wire, byte by byte; connections that end, answers that come early."""

import asyncio
import datetime as dt
import gc
import logging
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from platforms.bodies import Progress, multipart
from platforms.bodies import raw as raw_body
from platforms.credentials import BotPath, Header
from platforms.errors import OutcomeUnknown, PlatformError, Unavailable
from platforms.http import Http, Request, Timeouts

from .conftest import PIECE, Clip, answer, ignore_progress, misbehaving, read_request, reset

pytestmark = pytest.mark.anyio
PATIENT = timedelta(seconds=40)


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    made = Http(Timeouts(PATIENT, PATIENT, PATIENT, PATIENT))
    yield made
    await made.aclose()


async def failure(http: Http, request: Request) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        await http.send(request)
    return caught.value


class Requests(list[bytes]):
    """What a server that always agrees was sent."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            self.append(await read_request(reader))
            writer.write(answer(b"{}", "X-Part: 1", "X-Part: 2"))
            await writer.drain()

    @property
    def lines(self) -> list[bytes]:
        return [request.partition(b"\r\n")[0] for request in self]


# ── what is sent ─────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb/%7e/../c;d=1/x//y?sig=a%3d%3D+b/c?&A=%D1%8F&empty=&x={y}|z",
        "/?sig=%zz",
        "/bot-/x%20y?q='\"<>",
    ],
)
async def test_a_signed_address_goes_out_byte_for_byte(http: Http, target: str) -> None:
    seen = Requests()
    async with misbehaving(seen.serve) as url:
        await http.send(Request("PUT", url + target, body=raw_body(Clip(), ignore_progress)))
        header = Header("OAuth", SecretStr("t"))
        await http.send(Request("GET", f"{url}{target}#part", credential=header))
    assert seen.lines == [f"PUT {target} HTTP/1.1".encode(), f"GET {target} HTTP/1.1".encode()]


async def test_a_secret_in_the_path_leaves_the_query_as_it_is(http: Http) -> None:
    seen = Requests()
    async with misbehaving(seen.serve) as url:
        bot = BotPath(SecretStr("1:A_-"))
        await http.send(Request("GET", f"{url}/x/bot-/me?a=%2f+%2B", credential=bot))
    assert seen.lines == [b"GET /x/bot1:A_-/me?a=%2f+%2B HTTP/1.1"]


async def test_parameters_are_added_to_those_that_are_there(http: Http) -> None:
    seen = Requests()
    async with misbehaving(seen.serve) as url:
        await http.send(Request("GET", f"{url}/a?x=%2f", params={"имя": "a b&c"}))
        await http.send(Request("GET", f"{url}/a", params={"y": "1"}))
    assert seen.lines == [
        b"GET /a?x=%2f&%D0%B8%D0%BC%D1%8F=a+b%26c HTTP/1.1",
        b"GET /a?y=1 HTTP/1.1",
    ]


async def test_nothing_is_said_that_nobody_asked_to_say(http: Http) -> None:
    seen = Requests()
    async with misbehaving(seen.serve) as url:
        await http.send(Request("GET", url))
        await http.send(Request("POST", url, form={}))
        await http.send(Request("POST", url, json={"имя": "я"}))
    names = [
        sorted(line.split(b":")[0].lower() for line in one.split(b"\r\n\r\n")[0].split(b"\r\n")[1:])
        for one in seen
    ]
    usual = [b"accept", b"accept-encoding", b"host", b"user-agent"]
    assert names[0] == usual
    assert names[1] == sorted([*usual, b"content-length"])
    assert names[2] == sorted([*usual, b"content-length", b"content-type"])
    assert seen[2].endswith('\r\n\r\n{"имя":"я"}'.encode())
    assert all(b"Accept-Encoding: identity" in one for one in seen)


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\0", "\x7f", "\ud800"])
async def test_what_would_begin_a_line_of_its_own_is_not_sent(http: Http, sign: str) -> None:
    seen = Requests()
    smuggled = f"a{sign}X-Admin: 1"
    async with misbehaving(seen.serve) as url:
        for request in (
            Request("POST", f"{url}/{smuggled}", write=True),
            Request("POST", f"{url}/bot-/x", write=True, credential=BotPath(SecretStr(smuggled))),
            Request("POST", url, write=True, credential=Header("Bearer", SecretStr(smuggled))),
            Request("POST", url, write=True, headers={"X-Name": smuggled}),
        ):
            error = await failure(http, request)
            assert type(error) is Unavailable
            assert error.note.startswith("not sent: Invalid")
    assert seen == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nothing",
        "ftp://127.0.0.1/x",
        "http://",
        "http://h:99999/",
        "http://h:x/",
        "//h/",
        "ws://h/",
    ],
)
async def test_what_is_no_address_is_not_sent(http: Http, url: str) -> None:
    error = await failure(http, Request("POST", url, write=True))
    assert type(error) is Unavailable
    assert error.note.startswith("not sent: ")


@pytest.mark.parametrize("upload", [False, True])
async def test_no_secret_is_told_where_a_connection_breaks(
    http: Http, caplog: pytest.LogCaptureFixture, upload: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)

    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reset(writer)

    async with misbehaving(breaks) as url:
        for credential in (
            BotPath(SecretStr("1:CANARY")),
            Header("Bearer", SecretStr("CANARY")),
        ):
            body = raw_body(Clip(64 * PIECE), ignore_progress) if upload else None
            request = Request("PUT", f"{url}/bot-/x?sig=s", body=body, credential=credential)
            error = await failure(http, request)
            assert (error.__cause__, error.__context__) == (None, None)
            assert "CANARY" not in repr(error)
        gc.collect()
        await asyncio.sleep(0)
    assert "CANARY" not in caplog.text
    assert "sig=s" not in caplog.text


# ── connections ──────────────────────────────────────────────────────────────────────────────
async def test_nothing_is_sent_again_behind_our_back(http: Http) -> None:
    seen = Requests()

    async def second_is_lost(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(answer(b"{}"))
        seen.append(await read_request(reader))
        writer.close()

    async with misbehaving(second_is_lost) as url:
        await http.send(Request("GET", url))
        assert type(await failure(http, Request("GET", url))) is Unavailable
        await http.send(Request("DELETE", url))
        assert type(await failure(http, Request("DELETE", url, write=True))) is OutcomeUnknown
    assert len(seen) == 4


async def test_a_connection_that_ended_while_we_were_busy_is_not_used(http: Http) -> None:
    end, ended = threading.Event(), threading.Event()
    seen: list[bytes] = []

    def serve(server: socket.socket) -> None:
        for _ in range(2):
            connection = server.accept()[0]
            seen.append(connection.recv(PIECE))
            connection.sendall(answer(b"{}"))
            end.wait(10)
            connection.close()
            ended.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        serving = threading.Thread(target=serve, args=[server], daemon=True)
        serving.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        await http.send(Request("GET", url))
        await asyncio.sleep(0)
        end.set()
        ended.wait(10)  # the loop stands still meanwhile, and for its way through the network
        time.sleep(0.1)  # noqa: ASYNC251 - that is the point
        await http.send(Request("POST", url, write=True, form={"a": "b"}))
        serving.join(10)
    assert [one.split()[0] for one in seen] == [b"GET", b"POST"]


async def test_a_connection_is_used_again(http: Http) -> None:
    opened = 0
    seen = Requests()

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await seen.serve(reader, writer)

    async with misbehaving(count) as url:
        for _ in range(3):
            await http.send(Request("POST", url, form={"a": "b"}))
            body = raw_body(Clip(2 * PIECE), ignore_progress)
            await http.send(Request("PUT", url, body=body))
    assert (opened, len(seen)) == (1, 6)


async def test_a_failed_upload_frees_its_place() -> None:
    http = Http(connections=1)

    async def reads_a_part(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(PIECE)
        reset(writer)

    async with misbehaving(reads_a_part) as url:
        for _ in range(3):
            body = raw_body(Clip(64 * PIECE), ignore_progress)
            error = await failure(http, Request("PUT", url, write=True, body=body))
            assert error.note.startswith("sent in part")
    await http.aclose()


async def test_a_certificate_that_nobody_vouches_for_is_refused(http: Http, tmp_path: Path) -> None:
    seen = Requests()
    server = await asyncio.start_server(
        seen.serve, "127.0.0.1", 0, ssl=self_signed(tmp_path / "pair.pem")
    )
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    loop = asyncio.get_running_loop()
    others = loop.get_exception_handler()
    loop.set_exception_handler(lambda *_: None)  # how the server sees it that we hang up
    error = await failure(http, Request("POST", url, write=True))
    server.close()
    await asyncio.sleep(0.1)
    loop.set_exception_handler(others)
    assert (type(error), error.note) == (Unavailable, "not sent: ConnectError")
    assert seen == []


def self_signed(path: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(
        key.private_bytes(pem, form, serialization.NoEncryption()) + made.public_bytes(pem)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


# ── answers ──────────────────────────────────────────────────────────────────────────────────
async def test_a_header_may_be_long_and_come_twice(http: Http) -> None:
    async def talkative(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        policy = "Content-Security-Policy: " + "x" * 20_000
        writer.write(answer(b"{}", policy, "Warning: 1", "warning: 2"))
        await writer.drain()

    async with misbehaving(talkative) as url:
        got = await http.send(Request("GET", url))
    assert got.headers["warning"] == "1, 2"


async def test_a_cookie_is_forgotten(http: Http) -> None:
    seen: list[bytes] = []

    async def remember(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await read_request(reader))
            writer.write(answer(b"{}", "Set-Cookie: session=1"))

    async with misbehaving(remember) as url:
        named = url.replace("127.0.0.1", "localhost")  # no jar keeps those of bare addresses
        await http.send(Request("GET", named))
        await http.send(Request("GET", named))
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


@pytest.mark.parametrize("then", ["reads on", "never reads", "hangs up"])
async def test_an_upload_ends_when_it_is_refused(http: Http, then: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(answer(b"{}", status="413 Too Large"))
        await writer.drain()
        if then == "hangs up":
            writer.write_eof()
        if then == "never reads":
            await asyncio.Event().wait()
        while await reader.read(PIECE):
            pass

    clip = Clip(64 * PIECE)
    async with misbehaving(refuse) as url:
        request = Request("PUT", url, write=True, body=raw_body(clip, ignore_progress))
        got = await http.send(request)
    assert got.status == 413
    assert clip.closed


async def test_half_an_upload_can_not_have_been_accepted(http: Http) -> None:
    async def too_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"{}"))
        await asyncio.Event().wait()

    async with misbehaving(too_early) as url:
        body = raw_body(Clip(64 * PIECE), ignore_progress)
        error = await failure(http, Request("PUT", url, write=True, body=body))
    assert type(error) is Unavailable
    assert error.note == "sent in part: answered too early"


# ── uploads ──────────────────────────────────────────────────────────────────────────────────
async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    while await reader.read(PIECE):
        pass


@pytest.mark.parametrize("given", [PIECE, 3 * PIECE])
async def test_a_file_of_another_length_is_not_sent_whole(http: Http, given: int) -> None:
    class Changed(Clip):
        async def stream(self) -> AsyncIterator[bytes]:
            for _ in range(given // PIECE):
                yield bytes(PIECE)

    arrived = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        nonlocal arrived
        await reader.readuntil(b"\r\n\r\n")
        while data := await reader.read(PIECE):
            arrived += len(data)

    async with misbehaving(count) as url:
        body = multipart(Changed(2 * PIECE), ignore_progress, name="video")
        await failure(http, Request("POST", url, write=True, body=body))
    assert arrived < body.length


@pytest.mark.parametrize("by", ["the deadline", "us"])
async def test_an_upload_that_is_broken_off_leaves_nothing_open(http: Http, by: str) -> None:
    class Endless(Clip):
        async def stream(self) -> AsyncIterator[bytes]:
            try:
                yield bytes(PIECE)
                await asyncio.Event().wait()
            finally:
                self.closed = True

    clip = Endless(2 * PIECE)
    async with misbehaving(swallow) as url:
        body = raw_body(clip, ignore_progress)
        if by == "us":
            sending = asyncio.create_task(http.send(Request("PUT", url, body=body)))
            await asyncio.sleep(0.3)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            assert sending.cancelled()
        else:
            brief = timedelta(seconds=0.5)
            error = await failure(http, Request("PUT", url, write=True, body=body, deadline=brief))
            assert (type(error), error.note) == (Unavailable, "sent in part: deadline")
    assert clip.closed


async def test_what_counting_the_progress_raises_passes_through(http: Http) -> None:
    async def lost(sent: int) -> None:
        raise LookupError(sent)

    progress: Progress = lost
    clip = Clip(3 * PIECE)
    async with misbehaving(swallow) as url:
        with pytest.raises(LookupError):
            await http.send(Request("PUT", url, body=raw_body(clip, progress)))
    assert clip.closed


async def test_the_last_progress_is_told_to_its_end(http: Http) -> None:
    seen = Requests()
    told: list[int] = []

    async def slowly(sent: int) -> None:
        await asyncio.sleep(0.2)
        told.append(sent)

    async with misbehaving(seen.serve) as url:
        await http.send(Request("PUT", url, body=raw_body(Clip(PIECE + 1), slowly)))
    assert told == [PIECE, PIECE + 1]
