"""Secrets as they may look when they leak: raw, URL-encoded, in base64 or in hex."""

import base64
import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

ALIGNMENTS = 3
"""Where in a group of three bytes a secret begins decides how it looks in base64."""


@dataclass(frozen=True)
class Needle:
    """One secret, and the channels in which it is no leak."""

    name: str
    value: bytes
    welcome: frozenset[str] = frozenset()

    @cached_property
    def forms(self) -> frozenset[bytes]:
        """Everything that is looked for."""
        text = self.value.decode()
        every_byte = "".join(f"%{byte:02x}" for byte in self.value)
        plain = {self.value, text.upper().encode(), quote(text, safe="").encode()}
        spelt = {one.encode() for one in (every_byte, every_byte.upper())}
        in_hex = {self.value.hex().encode(), self.value.hex().upper().encode()}
        return frozenset(plain | spelt | in_hex | set(_base64(self.value)))


@dataclass(frozen=True)
class Found:
    """A secret where none may be; it is named, not shown."""

    needle: str
    place: str
    around: str


@dataclass(frozen=True)
class Piece:
    """Something that somebody could read: a log, a dump, an answer."""

    channel: str
    place: str
    data: bytes


def search(pieces: Iterable[Piece], needles: Iterable[Needle]) -> list[Found]:
    """Every secret that stands where it may not."""
    looked_for = list(needles)
    return [
        Found(needle.name, f"{piece.channel}: {piece.place}", _around(data, form))
        for piece in pieces
        for data in _unpacked(piece.data)
        for needle in looked_for
        if piece.channel not in needle.welcome
        for form in needle.forms
        if form in data
    ]


def _unpacked(data: bytes) -> tuple[bytes, ...]:
    """Exporters compress what they send."""
    if data[:2] != b"\x1f\x8b":
        return (data,)
    try:
        return data, gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return (data,)


def _base64(value: bytes) -> Iterable[bytes]:
    """What of the encoding depends on the secret alone, whatever stands before and after it."""
    for shift in range(ALIGNMENTS):
        first, last = (0, 2, 3)[shift], (shift + len(value)) * 8 // 6
        padded = b"\0" * shift + value
        yield base64.b64encode(padded)[first:last]
        yield base64.urlsafe_b64encode(padded)[first:last]


def _around(data: bytes, form: bytes) -> str:
    at = data.index(form)
    shown = data[max(0, at - 120) : at] + b"<HERE>" + data[at + len(form) : at + len(form) + 60]
    return shown.decode(errors="replace")
