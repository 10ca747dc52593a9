"""The `Range` header (RFC 9110 §14): one range of bytes, or the whole file."""

import re
from typing import NamedTuple

ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


class Span(NamedTuple):
    """The bytes from `start` up to `stop` (exclusive)."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """The file has none of the bytes that were asked for."""


def one_range(header: str | None, size: int) -> Span | None:
    """What is asked for; None for the whole file, which also answers what we don't understand
    or don't serve (several ranges). Raises Unsatisfiable."""
    match = ONE.fullmatch((header or "").replace(" ", ""))
    if match is None or match[1] == match[2] == "":
        return None
    if not match[1]:  # the last n bytes
        wanted = int(match[2])
        if wanted == 0 or size == 0:
            raise Unsatisfiable
        return Span(max(0, size - wanted), size)
    start = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(last + 1, size))
