"""Starts the processes of a measurement and reads what they tell."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.sinks.uploader import Asked


class NotMeasured(Exception):
    """Why a round says nothing."""


@dataclass(frozen=True)
class Sink:
    """A running sink."""

    url: str
    process: "subprocess.Popen[str]"

    def receipt(self) -> dict[str, float]:
        """What it says of the next upload. Raises NotMeasured."""
        line = _line(self.process)
        if "error" in line:
            raise NotMeasured(line["error"])
        return line


@contextmanager
def sink(*, tls: Path | None = None, rate: float = 0, together: int = 1) -> Iterator[Sink]:
    """A sink until the block ends."""
    words = ["--rate", str(rate), "--together", str(together)]
    words += ["--tls", str(tls)] if tls else []
    with told("bench.sinks.sink", *words) as (first, process):
        yield Sink(f"{'https' if tls else 'http'}://127.0.0.1:{first['port']}", process)


@contextmanager
def told(module: str, *words: str) -> Iterator[tuple[dict[str, Any], "subprocess.Popen[str]"]]:
    """A process of ours until the block ends, and the first thing it says."""
    command = [sys.executable, "-m", module, *words]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield _line(process), process
        finally:
            process.kill()


def uploaded(asked: Asked) -> dict[str, Any]:
    """What bench.sinks.uploader says when it is done. Raises NotMeasured."""
    with told("bench.sinks.uploader", json.dumps(asdict(asked))) as (found, _):
        return found


def curl(*words: str) -> float:
    """CPU seconds that one run of curl took. Raises NotMeasured."""
    process = subprocess.Popen(["curl", "--silent", "--show-error", "--fail", *words])  # noqa: S603, S607
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise NotMeasured(f"curl ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def curl_upload(file: Path, target: Sink, certificate: Path) -> float:
    """CPU seconds of curl putting the file, its start included."""
    words: Sequence[str] = ("--http1.1", "--header", "Expect:", "--cacert", str(certificate))
    return curl(*words, "--output", "/dev/null", "--upload-file", str(file), f"{target.url}/")


def _line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise NotMeasured("a process ended without a word")
    found: dict[str, Any] = json.loads(line)
    return found
