"""make bench ONLY=pacing: how much of a platform's pace is used while work waits, and whether more
comes than that.

Two workers share 10 calls a second to VK, and there is more to do than that for the whole time.
What counts is when a call comes to the stub: in each window of ten seconds and more at most
rate·T + 1. A part of a call more is jitter on the way from the gate to the stub, and rounded down.
"""

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench.measuring import goals, machine
from bench.measuring.clipcast_side import Clipcast, running
from bench.measuring.published import NotMeasured
from bench.measuring.result import keep, tell
from bench.measuring.spread import spread
from bench.measuring.stub import Stub, stub_platform
from localrun.environment import TREE
from servers import Servers

HOME = TREE / ".local/pacing"
PACE = 10.0
CALLS = 2
"""Of the API for a publication; the bytes of a file have no pace."""
FIRST = 10
"""Publications that only open connections: the first call on a new one is late, and those that
follow it at their time would seem too close."""
WARM_UP, SECONDS = 3.0, 40.0
SHORTEST = 10.0
"""Seconds of a window."""
PUBLICATIONS = math.ceil(PACE * (WARM_UP + SECONDS + 2) / CALLS)
PATIENCE, LOOK_SECONDS = 90.0, 0.5
SETTINGS = {"PACE_VK": f"{PACE:g}", "SLOTS": "8"}


def too_many(instants: Sequence[float], rate: float) -> int:
    """Whole calls above rate·T + 1 in the window of SHORTEST or longer that has most of them."""
    worst = 0.0
    for first, begin in enumerate(instants):
        for last in range(first, len(instants)):
            length = max(SHORTEST, instants[last] - begin)
            worst = max(worst, last - first + 1 - (rate * length + 1))
    return math.floor(worst)


def used(instants: Sequence[float], rate: float, begin: float, seconds: float) -> float:
    """The part of what is allowed in `seconds` that came."""
    return sum(begin <= one < begin + seconds for one in instants) / (rate * seconds)


def run(stub: Stub) -> dict[str, Any]:
    """What came, and how much was allowed."""
    side = Clipcast(HOME / "clipcast", Servers(), stub.url, name="pacing", settings=SETTINGS)
    with running(side, jobs=PUBLICATIONS):
        _published(side, FIRST)
        since = time.monotonic()
        _published(side, PUBLICATIONS)
        instants = sorted(one.at for one in stub.calls(since))
    begin = instants[0] + WARM_UP
    windows = [
        used(instants, PACE, begin + number * SHORTEST, SHORTEST)
        for number in range(int(SECONDS // SHORTEST))
    ]
    whole = used(instants, PACE, begin, SECONDS)
    tell(f"{len(instants)} calls, {whole:.1%} of the pace in {SECONDS:g} s")
    return {
        "goals": [
            goals.PACE_USED.row(spread(windows, 3) | {"median": round(whole, 3)}),
            goals.PACE_OVER.row([too_many(instants, PACE)]),
        ],
        "calls_a_second": PACE,
        "workers": 2,
        "calls": [round(one - instants[0], 4) for one in instants],
    }


def _published(side: Clipcast, many: int) -> None:
    deadline = time.monotonic() + PATIENCE
    side.put(many)
    while (found := side.ended()[0]) < many:
        if time.monotonic() > deadline:
            raise NotMeasured(f"{found} of {many} were published in time")
        time.sleep(LOOK_SECONDS)


def main() -> int:
    """The command."""
    began, facts = time.monotonic(), machine.facts()
    Servers().up()
    with stub_platform(HOME) as stub:
        result = run(stub)
    keep("pacing", {"machine": facts, **result, "seconds": round(time.monotonic() - began)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
