"""make bench ONLY=starting: how long each kind of process takes from its start until it is ready,
warm (its files are in memory, its servers run), one after the other.
"""

import sys
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

from bench.measuring import goals, machine
from bench.measuring.result import keep
from bench.measuring.spread import spread
from localrun.environment import TREE
from localrun.member import Member
from servers import Servers
from stack import Stack

ROUNDS = 3
PATIENCE = 60.0
LOOK_SECONDS = 0.01


def run(home: Path) -> dict[str, Any]:
    """Every process of a system, in turn."""
    began, facts = time.monotonic(), machine.facts()
    stack = Stack(home, Servers(), publishers=("vk", "telegram"))
    stack.up()
    try:
        members = list(stack.members.values())
        taken: dict[str, list[float]] = {member.plan.name: [] for member in members}
        for _ in range(ROUNDS):
            for member in members:
                taken[member.plan.name].append(started(member))
    finally:
        stack.remove()
    workers = [seconds for name, seconds in taken.items() if name.startswith("publisher-")]
    return {
        "machine": facts,
        "until_ready": {name: spread(seconds) for name, seconds in taken.items()},
        "goals": [goals.READY.row(max(workers, key=median))],
        "seconds": round(time.monotonic() - began),
    }


def started(member: Member) -> float:
    """Seconds from the start of the process until its health page says that it is ready."""
    member.stop()
    began = time.monotonic()
    member.start()
    while not member.ready():
        if time.monotonic() - began > PATIENCE or member.process is None:
            member.wait_ready(0)  # raises with the end of its log
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - began


def table(found: dict[str, Any]) -> str:
    """A line for each process."""
    lines = [f"{'process':<28} median    min    max  seconds until ready"]
    for name, one in found["until_ready"].items():
        lines.append(f"{name:<28} {one['median']:6.2f} {one['min']:6.2f} {one['max']:6.2f}")
    return "\n".join(lines)


def main() -> int:
    """Measure, write the result and print it."""
    home = TREE / ".local/bench"
    with suppress(FileNotFoundError):
        Stack(home, Servers()).stop()  # a run that was killed may have left processes
    found = run(home)
    keep("starting", found, table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
