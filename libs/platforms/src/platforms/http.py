"""The one way out to the platforms; every failure is told apart by what it proves."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from common.observe.calling import calling
from common.outbound import Broken, public_authorities
from platforms.answers import Answer
from platforms.bodies import Body
from platforms.credentials import Credential
from platforms.errors import PlatformError
from platforms.standstill import FileTimeout, Timeouts
from platforms.trail import Trail
from platforms.uploading import Upload
from platforms.wire import Outgoing, Wire

__all__ = ["API_CAP", "CALL", "TOKEN_CAP", "Http", "Request", "Timeouts"]

TOKEN_CAP = 64 * 1024
API_CAP = 2 * 1024 * 1024
CALL = timedelta(seconds=60)
"""How long an ordinary call may take altogether."""


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
        self._wire = Wire(self._phases, connections, _tls())

    async def send(self, request: Request) -> Answer:
        """Make the call and read the whole answer.

        Raises Unavailable when nothing was sent, or repeating is harmless; OutcomeUnknown when a
        write may have been carried out. Errors of the media stream pass through.
        """
        trail = Trail(whole=request.body is None)
        failure: PlatformError
        try:
            async with asyncio.timeout(request.deadline.total_seconds()) as deadline:
                return await self._exchange(request, trail)
        except TimeoutError:
            if not deadline.expired():
                raise
            failure = trail.failure("deadline", write=request.write)
        except Broken as broken:
            failure = trail.failure(str(broken), write=request.write)
        except FileTimeout:
            failure = trail.failure(FileTimeout.__name__, write=request.write)
        # Outside of the handlers, so that no text of the library's error is kept as context.
        raise failure

    async def _exchange(self, request: Request, trail: Trail) -> Answer:
        outgoing = self._outgoing(request, trail)
        size = request.body.length if request.body else None
        with calling(request.method, request.url, request.template, body=size) as call:
            heard = await self._wire.exchange(outgoing, request.cap, call.answered)
        if heard.body is None:
            raise trail.failure("answer too large or encoded", write=request.write)
        if not 200 <= heard.status < 500:
            raise trail.failure(f"http {heard.status}", write=request.write)
        return Answer(heard.status, heard.headers, heard.body, request.write)

    def _outgoing(self, request: Request, trail: Trail) -> Outgoing:
        kind, content = self._content(request, trail)
        url = request.url
        if request.params:
            url += ("&" if "?" in url else "?") + urlencode(request.params)
        return Outgoing(
            request.method,
            url,
            {**request.headers, "Content-Type": kind} if kind else request.headers,
            content,
            request.credential,
            trail,
        )

    def _content(self, request: Request, trail: Trail) -> tuple[str, bytes | Upload | None]:
        if request.body is not None:
            upload = Upload(request.body, trail, self._phases.write)
            return request.body.content_type, upload
        if request.form:
            return "application/x-www-form-urlencoded", urlencode(request.form).encode()
        if request.json is not None:
            return "application/json", _json(request.json)
        return "", None

    async def aclose(self) -> None:
        """Close every connection."""
        await self._wire.aclose()


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


@cache
def _tls() -> ssl.SSLContext:
    return public_authorities()
