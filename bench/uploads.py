"""make bench ONLY=uploads: how fast, at what cost and with how much memory a file leaves us.

Against curl with the same file and the same sink. Our side is the product's own code in a process
of its own (bench/sinks/uploader.py, serving.py), theirs is one run of curl; both send with TLS to a
sink that throws away. What a side does not do: curl does not look whether the file is being changed
and tells nobody how far it is; our process runs already, and its start is not counted, while curl's
(10 ms) is. The files are sparse, so that no disk is measured. Memory is counted from before a
process's first upload or pull; beside it stands what 64 MB take, and beside the lag that of an idle
loop.
"""

import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measuring import goals, machine
from bench.measuring.result import keep, tell
from bench.sinks import running
from bench.sinks.certificate import certificate
from bench.sinks.memory import forget_peak, peak
from bench.sinks.uploader import Asked
from localrun.environment import TREE

MB, MIB = 10**6, 1 << 20
SIZES = {
    "warm": 8 * MB,
    "small": 64 * MB,
    "half": 500 * MB,
    "one": 1_000 * MB,
    "dzen": 4_000 * MB,
    "rutube": 10_000 * MB,
}
LINK = 150 * MB
AT_ONCE = 4
IDLE_SECONDS = 3.0
ROUNDS = 3
GROWN = "grown_mib"

Told = dict[str, float]
Row = dict[str, Any]


class Uploads:
    """One run; its files lie below `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._rounds: list[dict[str, Any]] = []
        for name, size in SIZES.items():
            file = home / _key(name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
            os.truncate(file, size)
        self._pem = certificate(home / "sink.pem")

    def run(self) -> dict[str, Any]:
        """Everything."""
        facts, began, busy = machine.facts(), time.monotonic(), machine.busy_seconds()
        rows = [
            self._speed(),
            self._cost(),
            self._memory_of_uploading(),
            self._memory_of_serving(),
            self._lag(),
        ]
        seconds = time.monotonic() - began
        others = machine.busy_seconds() - busy - _own_cpu()
        return {
            "machine": facts,
            "sizes_mb": {name: size / MB for name, size in SIZES.items()},
            "link_mb_per_second": LINK / MB,
            "uploads_at_once_for_lag": AT_ONCE,
            "goals": rows,
            "rounds": self._rounds,
            "cores_used_by_others": round(max(0.0, others) / seconds, 2),
            "seconds": round(seconds),
        }

    def _speed(self) -> Row:
        with running.sink(tls=self._pem) as sink:
            self._theirs(sink)  # reads the file for the first time
            ours, theirs = self._in_turn(
                "upload", lambda: self._ours(sink), lambda: self._theirs(sink)
            )
        return goals.UPLOAD.against(_each(ours, "mb_per_second"), _each(theirs, "mb_per_second"))

    def _cost(self) -> Row:
        with running.sink(tls=self._pem, rate=LINK) as sink:
            ours, theirs = self._in_turn(
                "paced upload", lambda: self._ours(sink), lambda: self._theirs(sink)
            )
        return goals.UPLOAD_CPU.against(_each(ours, "cpu_per_gb"), _each(theirs, "cpu_per_gb"))

    def _memory_of_uploading(self) -> Row:
        def grown(name: str) -> Told:
            told = self._uploaded(sink, [_key(name)], warm=False)
            return {GROWN: told["peak_growth"] / MIB}

        with running.sink(tls=self._pem) as sink:
            ours, small = self._in_turn(
                "memory while uploading", lambda: grown("dzen"), lambda: grown("small")
            )
        return goals.UPLOAD_MEMORY.row(_each(ours, GROWN), other=_each(small, GROWN))

    def _memory_of_serving(self) -> Row:
        ours, small = self._in_turn(
            "memory while serving", lambda: self._served("rutube"), lambda: self._served("small")
        )
        return goals.SERVING_MEMORY.row(_each(ours, GROWN), other=_each(small, GROWN))

    def _lag(self) -> Row:
        def lag(keys: list[str]) -> Told:
            told: Told = self._uploaded(sink, keys, watch=True)["lag_ms"]
            return told

        with running.sink(tls=self._pem) as sink:
            ours, idle = self._in_turn(
                "event loop lag", lambda: lag([_key("half")] * AT_ONCE), lambda: lag([])
            )
        return goals.LAG.row(_each(ours, "p99"), other=_each(idle, "p99"))

    def _in_turn(
        self, what: str, ours: Callable[[], Told], other: Callable[[], Told]
    ) -> tuple[list[Told], list[Told]]:
        """A B A B; each round goes into the result."""
        sides: tuple[tuple[str, Callable[[], Told], list[Told]], ...]
        sides = (("ours", ours, []), ("other", other, []))
        for _ in range(ROUNDS):
            for side, measure, kept in sides:
                told = {name: round(value, 3) for name, value in measure().items()}
                kept.append(told)
                self._rounds.append({"what": what, "side": side, **told})
                tell(f"{what}, {side}: {told}")
        return sides[0][2], sides[1][2]

    def _ours(self, sink: running.Sink) -> Told:
        told = self._uploaded(sink, [_key("one")])
        return _sent(told["receipts"][0], told["cpu"])

    def _theirs(self, sink: running.Sink) -> Told:
        cpu = running.curl_upload(self._home / _key("one"), sink, self._pem)
        return _sent(sink.receipt(), cpu)

    def _uploaded(
        self, sink: running.Sink, keys: list[str], *, warm: bool = True, watch: bool = False
    ) -> dict[str, Any]:
        asked = Asked(
            url=sink.url,
            store=str(self._home),
            keys=keys,
            warm=_key("warm") if warm else None,
            certificate=str(self._pem),
            watch=watch,
            idle_seconds=IDLE_SECONDS,
        )
        told = running.uploaded(asked)
        if warm:
            sink.receipt()
        return told | {"receipts": [sink.receipt() for _ in keys]}

    def _served(self, name: str) -> Told:
        words = (str(self._home), _key(name))
        with running.told("bench.sinks.serving", *words) as (link, process):
            before = forget_peak(process.pid)
            running.curl("--output", "/dev/null", link["link"])
            return {GROWN: (peak(process.pid) - before) / MIB}


def _sent(receipt: Told, cpu: float) -> Told:
    """Both seconds are the sink's: from the accepted connection to the last byte."""
    if receipt["bytes"] != SIZES["one"]:
        raise running.NotMeasured(f"{receipt['bytes']} bytes came")
    gigabytes = receipt["bytes"] / 10**9
    return {
        "mb_per_second": receipt["bytes"] / MB / receipt["seconds"],
        "cpu_per_gb": cpu / gigabytes,
        "cpu_of_sink_per_gb": receipt["cpu"] / gigabytes,
    }


def _each(rounds: list[Told], what: str) -> list[float]:
    return [one[what] for one in rounds]


def _key(name: str) -> str:
    return f"u/bench/{name}.mp4"


def _own_cpu() -> float:
    """CPU seconds of this process and of all that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> int:
    """The command."""
    home = TREE / ".local/uploads"
    shutil.rmtree(home, ignore_errors=True)  # of a run that was killed
    try:
        result = Uploads(home).run()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    keep("uploads", result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
