"""A platform that costs next to nothing: VK's three calls, and the vault's loan of a token.

python -m bench.measuring.stub_platform PORT

HTTP/1.1 with `Content-Length`, kept alive. `POST /bench/delay/<ms>` says how long each call of the
platform takes from now on; a loan is answered at once. `GET /bench/shown` tells how many videos
were shown: as many publications are about to end. `GET /bench/calls` tells when calls of the API
came, by the machine's monotonic clock, which all of its processes share; uploads are none.
"""

import asyncio
import json
import re
import sys
import time
from collections import deque
from typing import Any

import uvloop

OWNER = -100
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
LENT = {"access_token": "token-of-the-bench", "version": 1, "expires_at": None}
SHOWN = {"owner_id": OWNER, "duration": 1, "width": 2, "height": 2, "views": 1}
ASKED = re.compile(rb"-100_(\d+)")
"""A video in a question; statistics ask for many at once."""
KEEP = 20_000
"""Calls that are remembered."""


class Stub:
    """What all connections share."""

    def __init__(self, port: int) -> None:
        self.delay = 0.0
        self._upload = f"http://127.0.0.1:{port}/upload/"
        self._made = 0
        self._shown = 0
        self._calls: deque[tuple[float, str]] = deque(maxlen=KEEP)

    def answer(self, path: str, body: bytes) -> tuple[object, float]:
        """The JSON, None where nothing is, and after how many seconds it leaves."""
        first, *rest = path.split("/")[1:]
        match first:
            case "method":
                self._calls.append((time.monotonic(), rest[0]))
                return self._method(rest[0], body), self.delay
            case "upload":
                return {"owner_id": OWNER, "video_id": int(rest[0]), "size": 1024}, self.delay
            case "internal":
                return LENT, 0.0
            case "bench":
                return self._bench(*rest), 0.0
            case _:
                return None, 0.0

    def _method(self, what: str, body: bytes) -> object:
        match what:
            case "video.save":
                self._made += 1
                made = {"owner_id": OWNER, "video_id": self._made}
                return {"response": {**made, "upload_url": f"{self._upload}{self._made}"}}
            case "video.get":
                self._shown += 1
                items = [{**SHOWN, "id": int(one)} for one in ASKED.findall(body)] or [SHOWN]
                return {"response": {"count": len(items), "items": items}}
            case _:
                return None

    def _bench(self, what: str, milliseconds: str = "0") -> object:
        match what:
            case "delay":
                self.delay = float(milliseconds) / 1000
            case "calls":
                return {"calls": list(self._calls)}
        return {"shown": self._shown}


class Connection(asyncio.Protocol):
    """One client's, which asks again only once it was answered."""

    _transport: asyncio.Transport

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._read = bytearray()

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - asyncio types it wider
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(HEAD_END)
        if end < 0:
            return
        whole = end + len(HEAD_END) + _length(bytes(self._read[:end]))
        if len(self._read) < whole:
            return
        path = self._read[: self._read.find(b"\r\n")].split(b" ")[1].decode()
        body = bytes(self._read[end + len(HEAD_END) : whole])
        del self._read[:whole]
        found, delay = self._stub.answer(path, body)
        answer = _encoded(found)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _length(head: bytes) -> int:
    """Of the body; 0 when the head names none."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(LENGTH):
            return int(line[len(LENGTH) :])
    return 0


def _encoded(found: object) -> bytes:
    status = b"404 Not Found" if found is None else b"200 OK"
    body = json.dumps(found).encode()
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


async def serve(port: int) -> None:
    """Until cancelled."""
    stub, loop = Stub(port), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stub), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
