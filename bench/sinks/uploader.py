"""Uploads files as a publishing worker does, and says what that took.

    python -m bench.sinks.uploader '{"url": …, "store": …, "keys": […], "certificate": …}'

The product's own way from the store to the wire: publisher.media opens and reads, the Dzen
adapter's client and platforms.http send, on uvloop. What a worker does besides is left out: once a
second it writes the percentage into its row.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import quantiles
from typing import Any

import uvloop
from pydantic import SecretStr

from bench.sinks.memory import forget_peak, peak
from common.clock import SystemClock
from common.ids import new_id
from platforms import http
from platforms.calls import open_gate
from platforms.dzen.client import DzenClient
from publisher.media.links import Links
from publisher.media.parts import Files
from publisher.media.ports import MediaRef
from publisher.media.remote import Remote
from publisher.media.source import PublicationMedia
from publisher.media.store import open_store

DEADLINE = timedelta(minutes=10)
"""UPLOAD_TIMEOUT_DZEN by default."""
TICK = 0.005


@dataclass(frozen=True)
class Asked:
    """What to do."""

    url: str
    store: str
    """As MEDIA_STORE_URL."""
    keys: Sequence[str]
    """Uploaded all at once."""
    warm: str | None = None
    """Uploaded once before anything is measured."""
    certificate: str | None = None
    watch: bool = False
    """Look at the event loop's lag too."""
    idle_seconds: float = 0.0
    """How long it is looked at where there are no keys."""


class Uploads:
    """One process's platform client and store."""

    def __init__(self, asked: Asked) -> None:
        if asked.certificate:
            # The product trusts public authorities alone and has no setting for others.
            http._tls().load_verify_locations(asked.certificate)  # noqa: SLF001
        self.http = http.Http()
        self._dzen = DzenClient(self.http, asked.url, open_gate)
        self._files = Files(open_store(asked.store), Remote(()))
        self._links = Links(asked.url, SecretStr("unused"), SystemClock())
        self._url = asked.url

    async def media(self, key: str) -> PublicationMedia:
        """The file as it would have been accepted."""
        async with self._files.store.open(key) as opened:
            head = opened.head
        ref = MediaRef(key, None, "clip.mp4", head.size, None, head.etag, 1.0, 1080, 1920)
        return PublicationMedia(new_id(), ref, self._files, self._links)

    async def upload(self, media: PublicationMedia) -> None:
        """Put one whole file."""
        await self._dzen.upload(SecretStr("token"), self._url, media, _progress, DEADLINE)


async def _progress(sent: int) -> None:
    del sent


async def _lags(found: list[float]) -> None:
    """How much later than asked for the loop came back, in seconds, for ever."""
    while True:
        due = time.perf_counter() + TICK  # the loop's own clock knows whole milliseconds
        await asyncio.sleep(TICK)
        found.append(time.perf_counter() - due)


async def done(asked: Asked) -> dict[str, Any]:
    """Do it; times in seconds but for the lag, memory in bytes."""
    uploads = Uploads(asked)
    if asked.warm:
        await uploads.upload(await uploads.media(asked.warm))
    media = [await uploads.media(key) for key in asked.keys]
    lags: list[float] = []
    watching = asyncio.create_task(_lags(lags)) if asked.watch else None
    before, began, cpu = forget_peak(), time.monotonic(), time.process_time()
    if media:
        await asyncio.gather(*(uploads.upload(one) for one in media))
    else:
        await asyncio.sleep(asked.idle_seconds)
    cpu, seconds, grown = time.process_time() - cpu, time.monotonic() - began, peak() - before
    if watching:
        watching.cancel()
    await uploads.http.aclose()
    told = {"seconds": seconds, "cpu": cpu, "peak_growth": grown}
    return told | {"lag_ms": _percentiles(lags)} if lags else told


def _percentiles(lags: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(lags, n=100, method="inclusive")
    return {"p50": cuts[49] * 1000, "p99": cuts[98] * 1000, "max": max(lags) * 1000}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(done(Asked(**json.loads(sys.argv[1]))))))  # noqa: T201 - its output
