"""Judges what a remote host answers to a byte range: lies and changes are found before use."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from publisher.media.errors import MediaChanged, MediaMissing, MediaRefused, MediaUnavailable
from publisher.media.ports import Head

CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
GONE = frozenset({401, 403, 404, 410})
"""A signed address whose time is over answers 403: the file is out of reach for good."""
LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Part:
    """A proper 206: how many bytes will come, and of which file."""

    length: int
    head: Head


def checked(answer: httpx.Response, start: int, stop: int) -> Part:
    """Raises the media error that an answer to `Range: bytes=start-(stop-1)` amounts to."""
    _require_partial(answer)
    match = CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    if match is None:
        raise MediaRefused("no proper Content-Range")
    first, last, size = (int(number) for number in match.groups())
    if first != start or last != min(stop, size) - 1:
        raise MediaRefused("another range than asked for")
    length = last - first + 1
    if answer.headers.get("content-length", str(length)) != str(length):
        raise MediaRefused("Content-Length and Content-Range differ")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise MediaRefused("an encoded body")
    modified = answer.headers.get("last-modified")
    tag = answer.headers.get("etag") or modified
    return Part(length, Head(size, tag[:200] if tag else None, _instant(modified)))


@contextmanager
def failures_told() -> Iterator[None]:
    """Translates the client's errors; their texts hold the address."""
    try:
        yield
    except (TimeoutError, httpx.TimeoutException):
        raise MediaUnavailable("too slow") from None
    except httpx.InvalidURL:
        raise MediaRefused("a redirect to no address") from None
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise MediaUnavailable(type(error).__name__) from None


def _require_partial(answer: httpx.Response) -> None:
    status = answer.status_code
    if status in GONE:
        raise MediaMissing(f"HTTP {status}")
    if status in LATER or status >= 500:
        raise MediaUnavailable(f"HTTP {status}")
    if status == 416:
        raise MediaChanged("shorter than before, or empty")
    if status == 200:
        raise MediaRefused("the host does not serve byte ranges")
    if status != 206:
        raise MediaRefused(f"HTTP {status}")


def _instant(line: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(line) if line else None
    except ValueError:
        return None
