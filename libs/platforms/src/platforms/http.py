"""The one way out to the platforms; every failure is told apart by what it proves."""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from common.observe.calling import calling
from platforms.answers import Answer, unclear
from platforms.bodies import Body
from platforms.credentials import Credential
from platforms.errors import PlatformError, Unavailable
from platforms.standstill import FileTimeout, in_time, unconfirmed

TOKEN_CAP = 64 * 1024
API_CAP = 2 * 1024 * 1024
CALL = timedelta(seconds=60)
"""How long an ordinary call may take altogether."""

_CREDENTIAL = "clipcast.credential"

# Both write addresses and headers into their records: signed upload links and tokens among them.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each phase may stand still; the whole call has its own deadline. For the answer to
    an upload only the deadline counts.

    `write` is an upload's time without progress: so long may the file take for its next piece, the
    platform for taking a piece in, and the network for confirming what is under way.
    """

    connect: timedelta = timedelta(seconds=5)
    read: timedelta = timedelta(seconds=30)
    write: timedelta = timedelta(seconds=30)
    pool: timedelta = timedelta(seconds=10)


@dataclass(slots=True)
class _Trail:
    """How far a request got: the only thing that decides whether it may have been carried out."""

    whole: bool
    """The last piece of the body was handed over, or there are no pieces."""
    begun: bool = False

    async def mark(self, event: str, info: Mapping[str, Any]) -> None:
        del info
        if event == "http11.send_request_headers.started":
            self.begun = True

    def completed(self) -> None:
        self.whole = True

    def failure(self, note: str, *, write: bool) -> PlatformError:
        """Without a connection, or with half a body, nothing can have happened."""
        if not self.begun:
            return Unavailable(note=f"not sent: {note}")
        if not self.whole:
            return Unavailable(note=f"sent in part: {note}")
        return unclear(note, write=write)


class _Injecting(httpx.AsyncBaseTransport):
    """Puts the secret into a copy of the request just before the socket (security.md §2)."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        credential: Credential | None = request.extensions.get(_CREDENTIAL)
        if credential is None:
            return await self._inner.handle_async_request(request)
        sent = httpx.Request(
            request.method,
            request.url.copy_with(raw_path=credential.path(request.url.raw_path)),
            headers=[*request.headers.raw, *_raw(credential.headers())],
            stream=request.stream,
            extensions=request.extensions,
        )
        try:
            return await self._inner.handle_async_request(sent)
        except httpx.RequestError as error:
            error.request = request
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `write` marks what changes something and may not be repeated unseen."""

    method: str
    url: str
    template: str | None = None
    """The path without ids, for traces; None where the whole address is a secret."""
    write: bool = False
    params: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    """May hold codes and tokens, so it is not shown when the request is."""
    json: Any = None
    body: Body | None = None
    credential: Credential | None = None
    deadline: timedelta = CALL
    cap: int = API_CAP
    headers: Mapping[str, str] = field(default_factory=dict)


class Http:
    """A pool of connections for one platform. No redirects, cookies, proxies or compression:
    each would let an answer take us, or our users' sessions, somewhere else."""

    def __init__(self, timeouts: Timeouts | None = None, *, connections: int = 50) -> None:
        self._phases = timeouts or Timeouts()
        # Idle connections are dropped before servers usually do (5 s): a request written into
        # a connection that is just being closed would leave its outcome unknown.
        limits = httpx.Limits(max_connections=connections, keepalive_expiry=3)
        inner = httpx.AsyncHTTPTransport(
            verify=_tls(),
            limits=limits,
            trust_env=False,
            socket_options=[unconfirmed(self._phases.write)],
        )
        self._client = httpx.AsyncClient(
            transport=_Injecting(inner),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={
                "User-Agent": "clipcast",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
        )

    async def send(self, request: Request) -> Answer:
        """Make the call and read the whole answer.

        Raises Unavailable when nothing was sent, or repeating is harmless; OutcomeUnknown when a
        write may have been carried out. Errors of the media stream pass through.
        """
        trail = _Trail(whole=request.body is None)
        content = self._content(request, trail)
        failure: PlatformError
        try:
            async with asyncio.timeout(request.deadline.total_seconds()) as deadline:
                return await self._exchange(request, content, trail)
        except TimeoutError:
            if not deadline.expired():
                raise
            failure = trail.failure("deadline", write=request.write)
        except (httpx.HTTPError, httpx.InvalidURL, FileTimeout) as error:
            failure = trail.failure(type(error).__name__, write=request.write)
        finally:
            if content is not None:
                await content.aclose()
        # Outside of the handlers, so that no text of the library's error is kept as context.
        raise failure

    async def _exchange(
        self, request: Request, content: AsyncGenerator[bytes, None] | None, trail: _Trail
    ) -> Answer:
        outgoing = self._build(request, content, trail)
        size = request.body.length if request.body else None
        with calling(request.method, request.url, request.template, body=size) as call:
            response = await self._client.send(outgoing, stream=True)
            call.answered(response.status_code)
            async with aclosing(response):
                body = await _read(response, request.cap)
        if body is None:
            raise trail.failure("answer too large or encoded", write=request.write)
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise trail.failure(f"http {response.status_code}", write=request.write)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, body, request.write)

    def _content(self, request: Request, trail: _Trail) -> AsyncGenerator[bytes, None] | None:
        if request.body is None:
            return None
        return in_time(request.body.stream(trail.completed), self._phases.write)

    def _build(
        self, request: Request, content: AsyncGenerator[bytes, None] | None, trail: _Trail
    ) -> httpx.Request:
        headers = dict(request.headers)
        if request.body is not None:
            headers |= {
                "Content-Type": request.body.content_type,
                "Content-Length": str(request.body.length),
            }
        return self._client.build_request(
            request.method,
            request.url,
            params=request.params,
            data=request.form,
            json=request.json,
            content=content,
            headers=headers,
            timeout=self._timeout(request),
            extensions={"trace": trail.mark, _CREDENTIAL: request.credential},
        )

    def _timeout(self, request: Request) -> httpx.Timeout:
        # A platform may look through the whole of a large file before it answers: there the
        # deadline alone says when that is too long.
        read = self._phases.read if request.body is None else request.deadline
        return httpx.Timeout(
            connect=self._phases.connect.total_seconds(),
            read=read.total_seconds(),
            write=self._phases.write.total_seconds(),
            pool=self._phases.pool.total_seconds(),
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


async def _read(response: httpx.Response, cap: int) -> bytes | None:
    if response.headers.get("content-encoding", "identity") != "identity":
        return None
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > cap:
            return None
    return bytes(body)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
