"""The stub platform as a process of its own, and what a bench asks it."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGTERM
from typing import Any

from localrun.environment import TREE
from localrun.ports import LOOPBACK, answers, free_port
from localrun.process import Process, remembered, spawn

GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Called:
    """One call of the platform's API."""

    at: float
    """When it came, on the monotonic clock that all processes of the machine share."""
    method: str


class Stub:
    """The stub platform, asked by us."""

    def __init__(self, port: int, process: Process) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self.process = process
        self._link = HTTPConnection(LOOPBACK, port, timeout=10)

    def delay(self, milliseconds: int) -> None:
        """Every call of the platform takes so long from now on."""
        self._ask("POST", f"/bench/delay/{milliseconds}")

    def shown(self) -> int:
        """How many videos it has shown."""
        return int(self._ask("GET", "/bench/shown")["shown"])

    def calls(self, since: float) -> list[Called]:
        """Those that came from an instant on."""
        found = (Called(*one) for one in self._ask("GET", "/bench/calls")["calls"])
        return [one for one in found if one.at >= since]

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        self._link.request(method, path)
        answer: dict[str, Any] = json.loads(self._link.getresponse().read())
        return answer


@contextmanager
def stub_platform(home: Path) -> Iterator[Stub]:
    """It runs until the block ends; one that a killed run has left in `home` is ended first."""
    home.mkdir(parents=True, exist_ok=True)
    record = home / "stub.json"
    if left := remembered(record):
        left.stop(SIGTERM, GRACE)
    port = free_port()
    words = (sys.executable, "-m", "bench.measuring.stub_platform", str(port))
    process = spawn(words, env={"PYTHONPATH": str(TREE)}, cwd=TREE, log=home / "stub.log")
    process.save(record)
    try:
        while process.alive and not answers(port):
            time.sleep(0.02)
        yield Stub(port, process)
    finally:
        process.stop(SIGTERM, GRACE)
