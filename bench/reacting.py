"""make bench ONLY=reacting: from a request to the platform's first call, on a system that idles.

The whole system runs; a person asks for one publication at a time over HTTP, at no fixed moment,
each after the one before was published. The platform is the stub, which notes when it is called.
`accepted` is when the answer 202 has been read; from the sending of the request is told apart.
"""

import http.client
import random
import subprocess
import sys
import time
from contextlib import suppress
from itertools import cycle
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

from bench.flat.arriving import ACCEPTED, ask
from bench.flat.system import people, system
from bench.measuring import goals, machine
from bench.measuring.published import NotMeasured
from bench.measuring.result import keep, tell
from bench.measuring.spread import spread
from bench.measuring.stub import Stub, stub_platform
from localrun.environment import TREE
from stack import Stack

HOME = TREE / ".local/reacting"
ROUNDS, EACH, WARM_UP = 3, 100, 20
PAUSE = 0.05, 0.15
"""Seconds after a publication's last call, at random: so that no tick is always as far away."""
PATIENCE = 30.0
LOOK_SECONDS = 0.01
FIRST, LAST = "video.save", "video.get"
NO_STATISTICS = {"STATS_FIRST_AFTER": "1h"}


class Reacting:
    """A system that idles, and people who ask it."""

    def __init__(self, stack: Stack, stub: Stub) -> None:
        place = urlsplit(stack.urls["publisher"])
        self._link = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        self._turns = cycle([(who, link) for who in people(stack) for link in who.connections])
        self._stub = stub

    def once(self) -> tuple[float, float]:
        """Milliseconds until the first call: since the answer, and since the request."""
        time.sleep(random.uniform(*PAUSE))  # noqa: S311 - no secret
        sent = time.monotonic()
        told = ask(self._link, *next(self._turns))
        accepted = time.monotonic()
        if told != ACCEPTED:
            raise NotMeasured(f"the request was answered with {told}")
        called = self._called(FIRST, sent)
        self._called(LAST, sent)
        return 1000 * (called - accepted), 1000 * (called - sent)

    def _called(self, method: str, since: float) -> float:
        """When it was, for the first time since then."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for one in self._stub.calls(since):
                if one.method == method:
                    return one.at
            time.sleep(LOOK_SECONDS)
        raise NotMeasured(f"{method} was not called")


def run(stub: Stub) -> dict[str, Any]:
    """Rounds of one request after the other."""
    stack = system(HOME / "stack", stub.url, NO_STATISTICS)
    _clear(stack)
    try:
        stack.up()
        reacting = Reacting(stack, stub)
        for _ in range(WARM_UP):
            reacting.once()
        rounds = [[reacting.once() for _ in range(EACH)] for _ in range(ROUNDS)]
    finally:
        _clear(stack)
    accepted, sent = ([_percentiles([one[at] for one in each]) for each in rounds] for at in (0, 1))
    tell(f"since the answer: p50 and p99 of each round {accepted} ms; since the request: {sent} ms")
    return {
        "goals": [
            goals.FIRST_CALL_P50.row([one["p50"] for one in accepted]),
            goals.FIRST_CALL_P99.row([one["p99"] for one in accepted]),
        ],
        "requests_a_round": EACH,
        "since_the_request_ms": {
            name: spread([one[name] for one in sent]) for name in ("p50", "p99")
        },
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    cuts = quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


def _clear(stack: Stack) -> None:
    with suppress(FileNotFoundError, subprocess.CalledProcessError):
        stack.remove()


def main() -> int:
    """The command."""
    began, facts = time.monotonic(), machine.facts()
    with stub_platform(HOME) as stub:
        result = run(stub)
    keep("reacting", {"machine": facts, **result, "seconds": round(time.monotonic() - began)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
