"""One request on the wire and its answer: the secret put in, a body's pieces, a bounded answer."""

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from common.outbound import Broken, named, once, session
from platforms.credentials import Credential
from platforms.standstill import Timeouts, unconfirmed
from platforms.trail import Trail
from platforms.uploading import Upload

HEADERS = {
    "User-Agent": "clipcast",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request; the secret is beside it until the last moment."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | Upload | None
    credential: Credential | None
    trail: Trail

    async def inject(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Put the secret in just before the socket (security.md §2)."""
        if self.credential:
            path = self.credential.path(request.url.raw_path.encode()).decode()
            if not _PRINTABLE.fullmatch(path):
                raise Broken("InvalidURL")
            request.url = request.url.with_path(path, encoded=True, keep_query=True)
            request.headers.update(self.credential.headers())
        if any(_CONTROL.search(value) for value in request.headers.values()):
            raise Broken("InvalidHeader")
        return await once(request, send)


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer. The body is None when it is too large, or encoded."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes | None


class Wire:
    """Up to so many connections. It opens at the first request, where a loop is running."""

    def __init__(self, phases: Timeouts, connections: int, trusted: ssl.SSLContext) -> None:
        self._phases, self._trusted = phases, trusted
        self._free = asyncio.Semaphore(connections)
        self._session: aiohttp.ClientSession | None = None

    async def exchange(
        self, outgoing: Outgoing, cap: int, answered: Callable[[int], None]
    ) -> Heard:
        """Send one request and read at most `cap` bytes of its answer, whose status `answered` is
        told first. Raises Broken, and what the file of an upload raises."""
        try:
            async with asyncio.timeout(self._phases.pool.total_seconds()):
                await self._free.acquire()
        except TimeoutError:
            raise Broken("PoolTimeout") from None
        try:
            if isinstance(outgoing.content, Upload):
                return await self._upload(outgoing, outgoing.content, cap, answered)
            return await self._exchange(outgoing, outgoing.content, cap, answered)
        finally:
            self._free.release()

    async def _upload(
        self, outgoing: Outgoing, upload: Upload, cap: int, answered: Callable[[int], None]
    ) -> Heard:
        try:
            heard = await self._exchange(outgoing, _Pieces(upload), cap, answered)
            if outgoing.trail.whole:
                await upload.finish()
        except Broken as broken:
            # What ended the sending says more than that the connection has ended.
            raise await upload.stop() or broken from None
        finally:
            reason = await upload.stop()
        if heard.status < 400 and not outgoing.trail.whole:
            raise reason or Broken("answered too early")
        return heard

    async def _exchange(
        self,
        outgoing: Outgoing,
        data: "bytes | _Pieces | None",
        cap: int,
        answered: Callable[[int], None],
    ) -> Heard:
        with named():
            async with self._opened().request(
                outgoing.method,
                _address(outgoing.url),
                headers=outgoing.headers,
                data=data,
                timeout=self._timeout(uploading=isinstance(data, _Pieces)),
                allow_redirects=False,
                middlewares=(outgoing.inject,),
                trace_request_ctx=outgoing.trail,
            ) as response:
                answered(response.status)
                return Heard(response.status, _headers(response), await _read(response, cap))

    def _timeout(self, *, uploading: bool) -> aiohttp.ClientTimeout:
        # A platform may look through the whole of a large file before it answers: there the
        # deadline alone says when that is too long.
        return aiohttp.ClientTimeout(
            connect=self._phases.connect.total_seconds(),
            sock_read=None if uploading else self._phases.read.total_seconds(),
        )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            marking = aiohttp.TraceConfig()
            marking.on_request_headers_sent.append(_begun)
            self._session = session(
                HEADERS,
                self._timeout(uploading=False),
                self._trusted,
                options=[unconfirmed(self._phases.write)],
                traces=[marking],
            )
        return self._session

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session:
            await self._session.close()


class _Pieces(aiohttp.Payload):
    """The body of an upload as aiohttp asks for it."""

    def __init__(self, upload: Upload) -> None:
        super().__init__(upload, content_type=upload.content_type)
        self._upload = upload
        self._size = upload.length

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        del content_length

        async def take(piece: bytes) -> None:
            try:
                await writer.write(piece)
            except (aiohttp.ClientError, OSError):
                raise Broken("WriteError") from None

        await self._upload.send(take)

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        del encoding, errors
        raise TypeError("a file is not read into memory")


async def _begun(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    del session, params
    context.trace_request_ctx.begun = True


def _address(url: str) -> URL:
    """Byte for byte, since upload links are signed; what can't stand in a request is encoded."""
    if _CONTROL.search(url):
        raise Broken("InvalidURL")
    address = URL(url, encoded=_PRINTABLE.fullmatch(url) is not None)
    if address.scheme not in {"http", "https"} or not address.raw_host:
        raise Broken("InvalidURL")
    return address


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


async def _read(response: aiohttp.ClientResponse, cap: int) -> bytes | None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > cap:
            return None
    return bytes(body)
