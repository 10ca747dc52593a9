"""Calls to other hosts: aiohttp, with all that it would do by itself switched off."""

import select
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from weakref import WeakSet

import aiohttp
import certifi
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

KEPT = timedelta(seconds=3)
"""Idle connections are dropped before servers usually do (5 s): a request written into a connection
that is just being closed would leave its outcome unknown."""

LONGEST_HEADER = 32 * 1024
"""Some sites' security policies alone are longer than aiohttp's own 8 KiB."""

SocketOption = tuple[int, int, int]


class Broken(Exception):
    """No answer came. The text is a word for why; it never holds an address."""


def session(
    headers: Mapping[str, str],
    timeout: aiohttp.ClientTimeout,
    trusted: ssl.SSLContext,
    *,
    connections: int = 0,
    options: Sequence[SocketOption] = (),
    traces: Sequence[aiohttp.TraceConfig] = (),
) -> aiohttp.ClientSession:
    """No cookies, proxies, decompression or second tries. Redirects are each call's to refuse.
    With 0 connections there is no bound. Wants a running loop."""
    return aiohttp.ClientSession(
        connector=_Connections(connections, trusted, options),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        timeout=timeout,
        skip_auto_headers=("Content-Type",),
        auto_decompress=False,
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        trace_configs=list(traces),
        middlewares=(once,),
    )


def public_authorities() -> ssl.SSLContext:
    """Trusts who browsers trust."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


async def once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp sends some requests again whose connection breaks; it does not know this error."""
    with named():
        return await send(request)


@contextmanager
def named() -> Iterator[None]:
    """Turns an error into Broken. Only its kind is kept: its text may hold an address."""
    try:
        yield
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Broken(_name(error)) from None


def _name(error: Exception) -> str:
    match error:
        case aiohttp.ConnectionTimeoutError():
            return "ConnectTimeout"
        case aiohttp.ClientConnectorError():
            return "ConnectError"
        case aiohttp.ServerTimeoutError():
            return "ReadTimeout"
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            return "ReadError"
        case ValueError():
            return "InvalidURL"
        case _:
            return "ProtocolError"


class _Connections(aiohttp.TCPConnector):
    """An idle one is looked at before it is used again: the other side may have closed it while
    this process was busy, and a request that is written into it is lost without a trace."""

    def __init__(
        self, limit: int, trusted: ssl.SSLContext, options: Sequence[SocketOption]
    ) -> None:
        super().__init__(
            limit=limit,
            keepalive_timeout=KEPT.total_seconds(),
            use_dns_cache=False,
            ssl=trusted,
            socket_factory=lambda address: _socket(address, options),
        )
        self._used = WeakSet[ResponseHandler]()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> Connection:
        while True:
            found = await super().connect(req, traces, timeout)
            assert found.protocol is not None  # noqa: S101 - it was connected just now
            if found.protocol not in self._used or not _heard_from(found):
                self._used.add(found.protocol)
                return found
            found.close()


def _heard_from(idle: Connection) -> bool:
    """Whether there is something to read: all that can come is the end."""
    if idle.transport is None:
        return True
    waiting = select.poll()
    waiting.register(idle.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _socket(address: aiohttp.AddrInfoType, options: Sequence[SocketOption]) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    for option in options:
        made.setsockopt(*option)
    return made
