"""Gives the app a way to close its socket: an ASGI app by itself can only ever answer."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

EXTENSION = "sandbox.transport"


class ConnectionDroppedError(Exception):
    """Raised instead of a closed socket where there is no socket: the app called in process."""


class DroppableProtocol(H11Protocol):
    """uvicorn's HTTP protocol that hands its transport to the app."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        app = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[EXTENSION] = transport
            await app(scope, receive, send)

        self.app = cast("Any", with_transport)


async def drop(scope: Scope, receive: Receive, *, reset: bool = False, flush: bool = False) -> None:
    """Close the socket without (further) answer.

    `flush` first sends what was already written; `reset` sends RST instead of FIN.
    """
    transport: asyncio.Transport | None = scope.get("extensions", {}).get(EXTENSION)
    if transport is None:
        raise ConnectionDroppedError
    if reset:
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    if flush:
        transport.close()
    else:
        transport.abort()
    # uvicorn would answer 500 if the app returned before it noticed the closed connection.
    while (await receive())["type"] != "http.disconnect":
        pass
