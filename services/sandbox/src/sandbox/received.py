"""A request's body, understood while it streams: the handler and the journal see the same thing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header
from starlette.requests import Request

from sandbox.mp4 import Mp4Probe, Video

TEXT_LIMIT = 1024 * 1024
FIELD_LIMIT = 64 * 1024
SCOPE_KEY = "sandbox.received"


class Blob:
    """Bytes that went by: their number and hash, never the bytes themselves."""

    def __init__(self) -> None:
        self.bytes = 0
        self._hash = hashlib.sha256()
        self._probe = Mp4Probe()

    def feed(self, data: bytes) -> None:
        self.bytes += len(data)
        self._hash.update(data)
        self._probe.feed(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    @property
    def is_mp4(self) -> bool:
        return self._probe.is_mp4 is True

    @property
    def video(self) -> Video | None:
        return self._probe.video()


@dataclass
class FilePart:
    """One file of a multipart body."""

    name: str
    filename: str
    content_type: str
    blob: Blob = field(default_factory=Blob)


class Received:
    """Query and body of one request. Names keep their order and their repetitions."""

    def __init__(self, content_type: str, query: str) -> None:
        self.content_type = content_type
        self.query = parse_qsl(query, keep_blank_values=True)
        self.form: list[tuple[str, str]] = []
        self.json: Any = None
        self.files: list[FilePart] = []
        self.raw = Blob()  # the whole body; only fed when it is not multipart
        self.body_bytes = 0
        self.problem: str | None = None  # why the body could not be understood
        self.complete = False
        kind, options = parse_options_header(content_type)
        self.kind = kind.decode("latin-1").lower()
        self._text: bytearray | None = None
        self._multipart: MultipartParser | None = None
        if self.kind == "multipart/form-data":
            self._multipart = self._parser(options.get(b"boundary", b""))
        elif self.kind in ("application/json", "application/x-www-form-urlencoded"):
            self._text = bytearray()

    def feed(self, data: bytes) -> None:
        self.body_bytes += len(data)
        if self.kind == "multipart/form-data":
            self._feed_multipart(data)
            return
        self.raw.feed(data)
        if self._text is not None and len(self._text) <= TEXT_LIMIT:
            self._text += data

    def finish(self) -> None:
        """The last byte was read."""
        self.complete = True
        if self._multipart is not None and self._multipart.state is not MultipartState.END:
            self.problem = self.problem or "multipart body without its last boundary"
        if self._text:
            self._read_text(bytes(self._text))

    def params(self) -> dict[str, str]:
        """Query and form as one, the last value wins: how PHP-like servers read them."""
        return dict(self.query + self.form)

    def _read_text(self, text: bytes) -> None:
        if len(text) > TEXT_LIMIT:
            self.problem = "body too large to read"
            return
        try:
            decoded = text.decode()
            if self.kind == "application/json":
                self.json = json.loads(decoded)
            else:
                self.form = parse_qsl(decoded, keep_blank_values=True)
        except ValueError as error:
            self.problem = f"{type(error).__name__}: body is not {self.kind}"

    def _feed_multipart(self, data: bytes) -> None:
        if self._multipart is None or self.problem is not None:
            return
        try:
            self._multipart.write(data)
        except MultipartParseError as error:
            self.problem = str(error)

    def _parser(self, boundary: bytes) -> MultipartParser | None:
        if not boundary:
            self.problem = "multipart without a boundary"
            return None
        parts = _Parts(self)
        return MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_name,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_headers_finished": parts.headers_finished,
                "on_part_data": parts.data,
                "on_part_end": parts.end,
            },
        )


class _Parts:
    """The multipart parser's callbacks: a part with a file name streams, a field is kept."""

    def __init__(self, received: Received) -> None:
        self._received = received
        self.begin()

    def begin(self) -> None:
        self._name, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._field = ""
        self._file: FilePart | None = None
        self._text = bytearray()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            filename = options[b"filename"].decode("utf-8", "replace")
            content_type = self._headers.get(b"content-type", b"").decode("latin-1")
            self._file = FilePart(self._field, filename, content_type)
            self._received.files.append(self._file)

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.blob.feed(data[start:end])
        elif len(self._text) < FIELD_LIMIT:
            self._text += data[start:end]

    def end(self) -> None:
        if self._file is None:
            value = self._text[:FIELD_LIMIT].decode("utf-8", "replace")
            self._received.form.append((self._field, value))


async def read_all(request: Request) -> Received:
    """Read the body to its end. Raises `ClientDisconnect` when the client leaves before."""
    if not received_of(request).complete:
        async for _ in request.stream():
            pass
    return received_of(request)


def received_of(request: Request) -> Received:
    """What was read so far."""
    received: Received = request.scope[SCOPE_KEY]
    return received
