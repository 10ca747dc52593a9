"""What runs a server: a process of this machine here, a container in docker.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Protocol

from localrun.process import Process, remembered, spawn, tail

GRACE = 30.0  # seconds for a shutdown in good order; RabbitMQ takes 6


class StartError(Exception):
    """Something did not come up; the text says why and what to do."""


@dataclass(frozen=True)
class Command:
    """How a server is started as a process."""

    argv: tuple[str | Path, ...]
    cwd: Path
    env: Mapping[str, str]


class Body(Protocol):
    """A running (or not running) server, whatever it is made of."""

    @property
    def pid(self) -> int | None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def log_tail(self) -> str: ...
    def remove(self) -> None: ...


class NativeBody:
    """Runs a server as a process; its record is the only thing that says it is ours."""

    def __init__(self, home: Path, launch: Callable[[], Command], stop_signal: Signals) -> None:
        self._home = home
        self._launch = launch
        self._stop_signal = stop_signal
        self._record = home / "pid.json"

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process else None

    def start(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        command = self._launch()
        log = self._home / "server.log"
        spawn(command.argv, env=command.env, cwd=command.cwd, log=log).save(self._record)

    def stop(self) -> None:
        if process := self._process:
            process.stop(self._stop_signal, GRACE)

    def kill(self) -> None:
        if process := self._process:
            process.kill()

    def freeze(self) -> None:
        if process := self._process:
            process.freeze()

    def thaw(self) -> None:
        if process := self._process:
            process.thaw()

    def log_tail(self) -> str:
        return tail(self._home / "server.log")

    def remove(self) -> None:
        """Its folder is all there is, and goes with the home."""

    @property
    def _process(self) -> Process | None:
        return remembered(self._record)
