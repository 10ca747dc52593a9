"""How each general fault looks on the wire."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.faults import General
from sandbox.journal import SCOPE_KEY
from sandbox.received import read_all, received_of
from sandbox.transport import drop

PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
BIG = 10 * 1024 * 1024


class Dropped(Response):
    """No answer: closes the connection, at once or after `silence` seconds."""

    def __init__(self, *, silence: float = 0, reset: bool = False) -> None:
        super().__init__()
        self._silence = silence
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent, that is the point
        scope[SCOPE_KEY].answer = {"dropped": True}
        if self._silence:
            await _until_gone(receive, self._silence)
        await drop(scope, receive, reset=self._reset)


class Half(Response):
    """The headers and the first half of the body, then a closed connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _start(self, send)
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope[SCOPE_KEY].answer["dropped"] = True
        await drop(scope, receive, flush=True)


class Slow(Response):
    """The whole answer, a byte at a time."""

    def __init__(self, body: bytes, status: int, *, media_type: str | None, seconds: float) -> None:
        super().__init__(body, status, media_type=media_type)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - Starlette's signature
        await _start(self, send)
        body = bytes(self.body)
        for byte in body:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            await asyncio.sleep(self._seconds / len(body))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def instead(kind: General, request: Request, silence: float) -> Response:
    """The answer of a fault that does not act."""
    if kind is General.DROP_BEFORE:
        return Dropped()
    if kind is General.RESET_UPLOAD:
        await _read_a_part(request)
        return Dropped(reset=True)
    await read_all(request)  # the client may finish speaking before it is let down
    if kind is General.TIMEOUT:
        return Dropped(silence=silence)
    return _INSTEAD[kind]()


def spoil(kind: General, answer: Response, silence: float, slowness: float) -> Response:
    """The answer of a fault that happened after the platform acted."""
    if kind in (General.TIMEOUT_AFTER, General.DROP_AFTER):
        return Dropped(silence=silence if kind is General.TIMEOUT_AFTER else 0)
    if kind in _INSTEAD_AFTER:
        return _INSTEAD_AFTER[kind]()
    body, status = bytes(answer.body), answer.status_code
    if kind is General.SLOW:
        return Slow(body, status, media_type=answer.media_type, seconds=slowness)
    if kind is General.HALF_ANSWER:
        return Half(body, status, media_type=answer.media_type)
    if kind is General.WRONG_TYPE:
        return HTMLResponse(body, status)
    return Response(_SPOIL[kind](body), status, media_type="application/json")


def _gzip_bomb() -> Response:
    bomb = gzip.compress(json.dumps({"padding": "x" * BIG}).encode())
    return Response(bomb, media_type="application/json", headers={"content-encoding": "gzip"})


def _error_500() -> Response:
    return JSONResponse({"error": "internal"}, 500)


def _page(status: int, title: str) -> Callable[[], Response]:
    return lambda: HTMLResponse(PAGE.format(title), status)


def _twice(body: bytes) -> bytes:
    try:
        first = next(iter(json.loads(body)), None)
    except ValueError:
        return body
    return b"{" + json.dumps(first).encode() + b": null, " + body.lstrip()[1:] if first else body


async def _start(answer: Response, send: Send) -> None:
    headers = answer.raw_headers
    start = {"type": "http.response.start", "status": answer.status_code, "headers": headers}
    await send(start)


async def _read_a_part(request: Request) -> None:
    if received_of(request).complete:
        return
    announced = int(request.headers.get("content-length", "0"))
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read >= announced // 2:
            return


async def _until_gone(receive: Receive, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


_BAD_GATEWAY = _page(502, "502 Bad Gateway")
_INSTEAD: dict[General, Callable[[], Response]] = {
    General.ERROR_500: _error_500,
    General.ERROR_502_HTML: _BAD_GATEWAY,
    General.ERROR_503: _page(503, "503 Service Temporarily Unavailable"),
    General.ERROR_504: _page(504, "504 Gateway Time-out"),
    General.HTML: _page(200, "Please enable JavaScript"),
    General.EMPTY_JSON: lambda: JSONResponse({}),
    General.HUGE: lambda: JSONResponse({"padding": "x" * BIG}),
    General.GZIP_BOMB: _gzip_bomb,
}
_INSTEAD_AFTER: dict[General, Callable[[], Response]] = {
    General.ERROR_500_AFTER: _error_500,
    General.ERROR_502_HTML_AFTER: _BAD_GATEWAY,
}
_SPOIL: dict[General, Callable[[bytes], bytes]] = {
    General.INVALID_JSON: lambda body: body[: len(body) * 2 // 3],
    General.DUPLICATE_KEYS: _twice,
    General.NAN_JSON: lambda body: body.rstrip().removesuffix(b"}") + b', "score": NaN}',
}
