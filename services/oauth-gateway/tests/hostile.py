"""An authorization server that answers as a test wants, to the byte."""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from localrun.ports import LOOPBACK

Form = dict[str, str]
Reply = Callable[[Form], bytes]
BIG = 10 * 1024 * 1024


def tokens(form: Form, **changed: Any) -> dict[str, Any]:
    """A good answer, but for the changes; None takes a field away."""
    good = {
        "access_token": "hostile-access",
        "refresh_token": "hostile-refresh",
        "token_type": "Bearer",
        "expires_in": 3600,
        "user_id": 100001,
        "state": form.get("state"),
        "scope": "vkid.personal_info video wall zen:write zen:read",
    }
    return {name: one for name, one in {**good, **changed}.items() if one is not None}


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        "Connection: close",
        f"Content-Length: {len(body) if length is None else length}",
        *(headers or ("Content-Type: application/json",)),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def said(**changed: Any) -> Reply:
    """JSON tokens with these changes."""
    return lambda form: http(json.dumps(tokens(form, **changed)).encode())


def always(answer: bytes) -> Reply:
    return lambda _form: answer


def spelled(before: str, after: str) -> Reply:
    """Good tokens whose JSON is written in another way."""
    return lambda form: http(json.dumps(tokens(form)).replace(before, after).encode())


ZIP = ("Content-Type: application/json", "Content-Encoding: gzip")
REPLIES: dict[str, Reply] = {
    "a page": always(http(b"<html>sorry</html>", "Content-Type: text/html")),
    "nothing": always(http(b"")),
    "10 MB": said(padding="x" * BIG),
    "a gzip bomb": always(http(gzip.compress(b'{"padding": "' + b"x" * BIG + b'"}'), *ZIP)),
    "half an answer": lambda form: http(json.dumps(tokens(form)).encode(), length=5000),
    "cut JSON": lambda form: http(json.dumps(tokens(form)).encode()[:-3]),
    "no UTF-8": always(http(b'{"access_token": "\xff\xfe"}')),
    "a list": always(http(b"[]")),
    "a text": always(http(b'"token"')),
    "depth": always(http(b"[" * 30_000)),
    "a key twice": spelled('"token_type"', '"access_token": "another", "token_type"'),
    "NaN": spelled("3600", "NaN"),
    "infinity": spelled("3600", "Infinity"),
    "a life below zero": said(expires_in=-1),
    "an endless life": said(expires_in=10**30),
    "a life in words": said(expires_in="3600"),
    "a life that is true": said(expires_in=True),
    "no access token": said(access_token=None),
    "an empty access token": said(access_token=""),
    "a number for a token": said(access_token=1),
    "a token with a line": said(access_token="a\r\nX-Evil: 1"),
    "a token with a space": said(access_token="a b"),
    "a number for a refresh token": said(refresh_token=1),
    "no token type": said(token_type=None),
    "another token type": said(token_type="mac"),
    "a redirect": always(http(b"", "Location: /elsewhere", status="302 Found")),
    "a redirect of the post": always(http(b"", "Location: /elsewhere", status="307 Moved")),
    "nothing to say": always(http(b"", status="204 No Content")),
}


@dataclass
class Hostile:
    """`reply` is what the token endpoints say; everything else is answered decently."""

    url: str = ""
    reply: Reply = field(default_factory=said)
    asked: Counter[str] = field(default_factory=Counter)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split()[1].partition("?")[0]
            length = next(
                (int(one[15:]) for one in head.lower().split("\r\n") if "content-length:" in one), 0
            )
            form = dict(parse_qsl((await reader.readexactly(length)).decode()))
            self.asked[path] += 1
            writer.write(self._answer(path, form))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side had heard enough
        finally:
            writer.close()

    def _answer(self, path: str, form: Form) -> bytes:
        if path in {"/vkid/oauth2/auth", "/yandex/token"}:
            return self.reply(form)
        user = {"user_id": "100001", "first_name": "Анна", "last_name": "Клипова"}
        return http(json.dumps({"user": user, "response": 1}).encode())


@asynccontextmanager
async def listening() -> AsyncIterator[Hostile]:
    hostile = Hostile()
    server = await asyncio.start_server(hostile.serve, LOOPBACK, 0)
    hostile.url = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield hostile
