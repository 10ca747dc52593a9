"""make soak MINUTES=30 RATE=: whether anything grows while the system works steadily.

The whole system runs on this machine, and publications are asked for over its HTTP interface, by
itself at about half of what it can do. Outbox, inbox and answers are forgotten after a part of the
run (bench/flat/short_memory), statistics end after seconds; publications with their timelines, and
watched posts with their samples, are kept for ever: of those, what one takes must stay the same.
The exit code is 1 when something grows that should not.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from bench.flat.arriving import Arriving
from bench.flat.looking import Looking, Sample
from bench.flat.system import people, short_memory, system
from bench.flat.verdict import GROWS, judged, table
from bench.measuring import machine
from bench.measuring.result import FOLDER, keep, tell
from bench.measuring.stub import Stub, stub_platform
from localrun.environment import TREE
from stack import Stack

HOME = TREE / ".local/soak"
SHARE = 0.12
"""Of the speed that bench.publishing measured. There a publication costs a fourth of what it does
here, where it is asked for over HTTP, its token lent by the real vault, and its post looked at."""
SAMPLES, EVERY = 120, (1.0, 5.0)
"""So many, but no closer and no further apart than these seconds."""
KEEP = 1 / 10
"""Of the run: for so long outbox, inbox and answers are kept."""
# Each post is looked at once and then left alone, so that there is as much to do in the last minute
# as in the first. What fails on a busy machine is tried again before the run ends.
SETTINGS = {
    "STATS_FIRST_AFTER": "5s",
    "STATS_EVERY": "30s",
    "STATS_FOR": "6s",
    "RETRY_DELAYS": "5s,10s,30s",
}
TELL_SECONDS = 60.0
ENDING = 120.0
"""Seconds within which all that was asked for has to end, those tried again included."""


class Soak:
    """One run."""

    def __init__(self, minutes: float, rate: float) -> None:
        self._seconds = minutes * 60
        self._rate = rate
        self._samples: list[Sample] = []

    def run(self, stub: Stub) -> dict[str, Any]:
        """All of it; nothing stays."""
        began, facts = time.monotonic(), machine.facts()
        settings = SETTINGS | short_memory(self._seconds * KEEP)
        stack = system(HOME / "stack", stub.url, settings)
        _clear(stack)
        try:
            stack.up()
            arriving = Arriving(stack.urls["publisher"], people(stack), self._rate)
            asyncio.run(self._soaked(stack, arriving))
        finally:
            _clear(stack)
        series = judged(self._samples, self._seconds / 3600, self._rate)
        first, last = self._samples[0], self._samples[-1]
        return {
            "machine": facts,
            "minutes": round(self._seconds / 60, 1),
            "rate": self._rate,
            "accepted": arriving.accepted,
            "refused": dict(arriving.refused),
            "published_a_second": round(
                (last["arrivals", "published"] - first["arrivals", "published"]) / self._seconds, 1
            ),
            "not_published_at_the_end": self._left,
            "why_not": self._why,
            "cores_used": round(sum(self._cpu.values()) / self._seconds, 2),
            "cpu_seconds": {who: round(used, 1) for who, used in self._cpu.items()},
            "kept_seconds": self._seconds * KEEP,
            "grows": [f"{one['kind']}: {one['name']}" for one in series if one["verdict"] == GROWS],
            "series": series,
            "seconds": round(time.monotonic() - began),
        }

    async def _soaked(self, stack: Stack, arriving: Arriving) -> None:
        every = min(max(self._seconds / SAMPLES, EVERY[0]), EVERY[1])
        async with Looking(stack, arriving) as looking:
            with arriving.running():
                began, told = time.monotonic(), 0.0
                groups = _groups(stack)
                before = machine.cpu_seconds(groups)
                while (now := time.monotonic() - began) < self._seconds:
                    self._samples.append(await looking.look())
                    if now >= told:
                        told += TELL_SECONDS
                        self._tell(now)
                    next_look = began + every * len(self._samples)
                    await asyncio.sleep(max(0.0, next_look - time.monotonic()))
                after = machine.cpu_seconds(groups)
            self._cpu = {who: after[who] - before[who] for who in after}
            self._left = await self._ended(looking, arriving)
            self._why = await looking.left()

    async def _ended(self, looking: Looking, arriving: Arriving) -> int:
        """How many of those accepted are not published when there was time enough."""
        deadline = time.monotonic() + ENDING
        while True:
            found = await looking.look()
            left = arriving.accepted - int(found["arrivals", "published"])
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(1)

    def _tell(self, now: float) -> None:
        found = self._samples[-1]
        memory = sum(value for (kind, _), value in found.items() if kind == "memory")
        tell(
            f"{now:6.0f} s  {found['arrivals', 'published']:.0f} published, "
            f"{found['waiting', 'publications on their way']:.0f} on their way, {memory:.0f} MiB"
        )


def _groups(stack: Stack) -> dict[str, list[int]]:
    """Who works: each process and each server."""
    members = {name: one.process for name, one in stack.members.items()}
    found = {name: [one.pid] for name, one in members.items() if one}
    found |= {one.name: [one.pid] for one in stack.servers.all if one.pid}
    return found


def _clear(stack: Stack) -> None:
    """End it and delete what it stored; also what a run that was killed has left."""
    with suppress(FileNotFoundError, subprocess.CalledProcessError):
        stack.remove()


def measured_rate() -> float:
    """By what bench.publishing measured. Raises SystemExit when nothing was."""
    path = FOLDER / "publishing.json"
    if not path.exists():
        raise SystemExit("RATE= publications a second; or first: make bench ONLY=publishing")
    told = json.loads(path.read_text())["summary"]
    [speed] = [
        one["per_second"] for one in told if (one["side"], one["delay_ms"]) == ("clipcast", 0)
    ]
    return round(SHARE * float(speed["median"]), 1)


def main(words: Sequence[str]) -> int:
    """The command; 0 when nothing grows and everything was published."""
    parser = argparse.ArgumentParser(description="Does anything grow?")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float)
    arguments = parser.parse_args(words)
    rate = arguments.rate or measured_rate()
    tell(f"{rate:g} publications a second for {arguments.minutes:g} minutes")
    with stub_platform(HOME) as stub:
        result = Soak(arguments.minutes, rate).run(stub)
    keep("soak", result, table(result))
    wrong = [f"it grows: {one}" for one in result["grows"]]
    if left := result["not_published_at_the_end"]:
        wrong.append(f"{left} of {result['accepted']} were not published: {result['why_not']}")
    for one in wrong:
        tell(one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
