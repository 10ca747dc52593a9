"""A played publisher for the command's tests: accepts clips as the real one does, fails as told."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from localrun.ports import LOOPBACK

ACTIVE = ("scheduled", "publishing", "uncertain")
Answer = tuple[int, dict[str, Any]]


@dataclass
class Gateway:
    """What it was asked and what it answers."""

    url: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Newest first, as the real one lists them."""
    becomes: str = "published"
    """What a new publication is when it is looked at."""
    posts: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)
    failing: dict[str, list[Answer]] = field(default_factory=dict)
    """What the next POSTs, and GETs of one publication, are answered instead: status 0 hangs up,
    and an empty document is a proxy's page."""
    _kept: dict[str | None, tuple[dict[str, Any], Answer]] = field(default_factory=dict)

    def listed(self, clip_id: str) -> Answer:
        """GET /v1/publications."""
        found = [one for one in self.rows if one["clip_id"] == clip_id]
        return 200, {"items": found, "next_cursor": None}

    def looked(self, wanted: str) -> Answer:
        """GET /v1/publications/{id}."""
        (one,) = (one for one in self.rows if one["id"] == wanted)
        if one["status"] == "publishing":
            one |= {"status": self.becomes, "url": "https://vk.ru/1"}
        return 200, one

    def posted(self, key: str | None, body: dict[str, Any]) -> Answer:
        """POST /v1/publications."""
        if key in self._kept:
            before, answer = self._kept[key]
            return answer if before == body else _problem(422, "idempotency_mismatch")
        new = [_row(body, target) for target in body["targets"]]
        for one in self.rows:
            for other in new:
                same = all(one[name] == other[name] for name in ("clip_id", "platform"))
                if same and one["status"] in ACTIVE:
                    return _problem(409, "duplicate_publication")
        self.rows[:0] = new
        answer = (202, {"publications": [dict(one) for one in new]})
        self._kept[key] = body, answer
        return answer


def _row(body: dict[str, Any], target: dict[str, str]) -> dict[str, Any]:
    at = body.get("schedule_at")
    return {
        "id": str(uuid4()),
        "clip_id": body["clip_id"],
        "platform": target["platform"],
        "experimental": False,
        "title": body["title"],
        "description": body["description"],
        "status": "scheduled" if at else "publishing",
        "stage": None,
        "schedule_at": at,
        "hold": None,
        "error": None,
        "url": None,
    }


def _problem(status: int, code: str) -> Answer:
    return status, {"code": code, "detail": f"({code})"}


@contextmanager
def playing() -> Iterator[Gateway]:
    """One that listens until the end."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.query:
                self._answer(gateway.listed(parse_qs(parts.query)["clip_id"][0]))
            else:
                self._answer(self._failing() or gateway.looked(parts.path.rpartition("/")[2]))

        def do_PUT(self) -> None:
            sha256 = hashlib.sha256(self._body()).hexdigest()
            self._answer((201, {"key": f"u/demo/{uuid4()}/clip.mp4", "sha256": sha256}))

        def do_POST(self) -> None:
            key, body = self.headers["Idempotency-Key"], json.loads(self._body())
            gateway.posts.append((key, body))
            self._answer(self._failing() or gateway.posted(key, body))

        def _failing(self) -> Answer | None:
            planned = gateway.failing.get(self.command)
            return planned.pop(0) if planned else None

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers["Content-Length"]))

        def _answer(self, answer: Answer) -> None:
            status, told = answer
            if not status:
                return  # HTTP/1.0 closes after every answer, also after none
            text = json.dumps(told).encode() if told else b"<html>Bad gateway</html>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    gateway.url = f"http://{LOOPBACK}:{server.server_port}"
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
