"""Really downloads a link, as the platforms do that take an address instead of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from sandbox.received import Blob

CONNECT_SECONDS = 5.0


class FetchError(Exception):
    """The link gave no file; the text says why."""


@dataclass
class Fetched:
    """What has arrived so far of one link; only its size, hash and shape are kept."""

    content_type: str = ""
    blob: Blob = field(default_factory=Blob)


async def fetch(
    url: str,
    *,
    limit: int,
    seconds: float,
    idle_seconds: float,
    accept: Callable[[str], bool],
) -> Fetched:
    """Stream `url` to its end within `seconds`; `accept` judges the content type first.

    Raises `FetchError` for anything but a whole 200 answer of at most `limit` bytes.
    """
    timeout = httpx.Timeout(idle_seconds, connect=CONNECT_SECONDS)
    try:
        async with (
            asyncio.timeout(seconds),
            # The machine's proxy settings are not the platform's.
            httpx.AsyncClient(timeout=timeout, follow_redirects=True, trust_env=False) as client,
            client.stream("GET", url) as answer,
        ):
            return await _read(answer, limit, accept)
    except TimeoutError:
        raise FetchError("too slow") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(type(error).__name__) from error


async def _read(answer: httpx.Response, limit: int, accept: Callable[[str], bool]) -> Fetched:
    if answer.status_code != 200:
        raise FetchError(f"HTTP {answer.status_code}")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not accept(kind):
        raise FetchError(f"wrong type {kind or '(none)'}")
    fetched = Fetched(kind)
    async for chunk in answer.aiter_raw():
        fetched.blob.feed(chunk)
        if fetched.blob.bytes > limit:
            raise FetchError("too large")
    return fetched
