"""Publications that are asked for steadily, whatever becomes of those before."""

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from bench.flat.system import Asking
from common.ids import new_id

LANES = 8
"""Requests at once, at most: more are under way only when an answer takes too long."""
BURST = 80
"""Asked for as fast as can be in the beginning, so that pools are filled before it counts."""
PATH = "/v1/publications"
ACCEPTED = "202"


class Arriving:
    """So many requests a second with one target each, people and accounts by turns."""

    def __init__(self, url: str, people: Sequence[Asking], rate: float) -> None:
        self._place = urlsplit(url)
        self._rate = rate
        self._turns = itertools.cycle(
            [(one, link) for links in zip(*_links(people), strict=True) for one, link in links]
        )
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self.accepted = 0
        self.late = 0.0
        """Seconds by which the last request left after its time."""
        self.refused: Counter[str] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Until the block ends."""
        self._began = time.monotonic()
        lanes = [threading.Thread(target=self._lane, daemon=True) for _ in range(LANES)]
        for one in lanes:
            one.start()
        try:
            yield
        finally:
            self._stop.set()
            for one in lanes:
                one.join()

    def _lane(self) -> None:
        link = http.client.HTTPConnection(self._place.hostname or "", self._place.port, timeout=30)
        while not self._stop.is_set():
            at = self._began + max(0, next(self._numbers) - BURST) / self._rate
            if self._stop.wait(max(0.0, at - time.monotonic())):
                break
            self.late = time.monotonic() - at
            self._count(ask(link, *next(self._turns)))
        link.close()

    def _count(self, told: str) -> None:
        with self._counting:
            if told == ACCEPTED:
                self.accepted += 1
            else:
                self.refused[told] += 1


def ask(link: http.client.HTTPConnection, who: Asking, connection: str) -> str:
    """Ask for one publication; the status of the answer, or what went wrong."""
    body = {
        "clip_id": new_id().hex,
        "media": {"key": who.key},
        "title": "A clip",
        "description": "What it is about. " * 10,
        "targets": [{"connection_id": connection}],
    }
    headers = {
        "Authorization": f"Bearer {who.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": new_id().hex,
    }
    try:
        link.request("POST", PATH, json.dumps(body), headers)
        answer = link.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        with suppress(OSError):
            link.close()  # the next request opens it anew
        return type(error).__name__
    return str(answer.status)


def _links(people: Sequence[Asking]) -> list[list[tuple[Asking, str]]]:
    return [[(one, link) for link in one.connections] for one in people]
