"""Writes the journal from outside the app, so that no handler can forget to and no body is held."""

from __future__ import annotations

import json
import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import journal, received
from sandbox.masking import Json, mask_header, mask_json

ANSWER_LIMIT = 64 * 1024
SHOWN_HEADERS = (
    "authorization",
    "content-type",
    "content-length",
    "user-agent",
    "accept",
    "cookie",
)
SHOWN_ANSWER_HEADERS = ("content-type", "location", "retry-after", "content-encoding")


class Recorder:
    """A pure ASGI middleware: tees the request into `Received` and the answer into the entry."""

    def __init__(self, app: ASGIApp, entries: journal.Journal) -> None:
        self._app = app
        self._entries = entries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_") or scope["path"] == "/healthz":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
        body = received.Received(
            headers.get("content-type", ""), scope["query_string"].decode("utf-8", "replace")
        )
        shown = {
            name: mask_header(name, headers[name]) for name in SHOWN_HEADERS if name in headers
        }
        entry = self._entries.open(scope["method"], scope["path"], shown, body)
        scope[received.SCOPE_KEY], scope[journal.SCOPE_KEY] = body, entry
        answer = _Answer(entry)
        started = time.monotonic()

        async def reading() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not body.complete:
                body.feed(message.get("body", b""))
                if not message.get("more_body", False):
                    body.finish()
            return message

        async def sending(message: Message) -> None:
            answer.see(message)
            await send(message)

        try:
            await self._app(scope, reading, sending)
        except ClientDisconnect:
            entry.answer = {"client_left": True}
        finally:
            entry.seconds = round(time.monotonic() - started, 6)


class _Answer:
    """Collects one answer, up to a limit."""

    def __init__(self, entry: journal.Entry) -> None:
        self._entry = entry
        self._body = bytearray()

    def see(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            pairs = ((n.decode("latin-1"), v.decode("latin-1")) for n, v in message["headers"])
            self._entry.answer = {
                "status": message["status"],
                "headers": {n: str(mask_json(v)) for n, v in pairs if n in SHOWN_ANSWER_HEADERS},
                "body": None,
            }
        elif message["type"] == "http.response.body" and self._entry.answer is not None:
            self._body += message.get("body", b"")[: ANSWER_LIMIT - len(self._body)]
            if not message.get("more_body", False):
                self._entry.answer["body"] = _shown(bytes(self._body))


def _shown(body: bytes) -> Json:
    text = body.decode("utf-8", "replace")
    try:
        return mask_json(json.loads(text))
    except ValueError:
        return mask_json(text)
