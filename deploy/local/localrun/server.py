"""What the three private servers have in common: start, prove ready, stop, and be tortured."""

import time
from abc import ABC, abstractmethod
from pathlib import Path
from signal import SIGTERM, Signals
from typing import ClassVar

from localrun.addresses import How
from localrun.body import Body, Command, NativeBody, StartError
from localrun.docker import DockerBody, Image
from localrun.ports import is_free

PATIENCE = 90.0  # seconds for a start: RabbitMQ takes 6, and much longer on a busy machine


class Server(ABC):
    """One private server in a folder of its own."""

    name: ClassVar[str]
    stop_signal: ClassVar[Signals] = SIGTERM

    def __init__(self, home: Path, how: How) -> None:
        self.home = home / self.name
        self.body: Body = (
            DockerBody(self.home, self.image())
            if how == "docker"
            else NativeBody(self.home, self.launch, self.stop_signal)
        )

    @property
    @abstractmethod
    def ports(self) -> tuple[int, ...]:
        """Every port it listens on, the one for clients first."""

    @abstractmethod
    def launch(self) -> Command:
        """Write its folder and settings; the foreground command to run there."""

    @abstractmethod
    def image(self) -> Image:
        """The same server as a container, for a machine that lacks the program."""

    @abstractmethod
    def ready(self) -> bool:
        """Ask it, in its own protocol, whether it serves."""

    @property
    def pid(self) -> int | None:
        """Of the running server, None when it does not run."""
        return self.body.pid

    @property
    def running(self) -> bool:
        """True while it runs, frozen or not."""
        return self.pid is not None

    def start(self) -> None:
        """Start it unless it runs, and wait until it serves."""
        if not self.running:
            if busy := [port for port in self.ports if not is_free(port)]:
                raise StartError(
                    f"{self.name}: port {busy[0]} is taken by another program; "
                    "`servers.py up` chooses another by itself"
                )
            self.body.start()
        elif not self.ready():
            self.thaw()  # a test that died may have left it frozen
        deadline = time.monotonic() + PATIENCE
        while not self.ready():
            if not self.running:
                raise StartError(f"{self.name} ended while starting.{self._why()}")
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.name} (pid {self.pid}) does not answer on port {self.ports[0]} "
                    f"after {PATIENCE:.0f} s.{self._why()}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Shut it down in good order."""
        self.body.stop()

    def kill(self) -> None:
        """End it without warning (SIGKILL)."""
        self.body.kill()

    def freeze(self) -> None:
        """Make it hang: connections stay open, nothing answers."""
        self.body.freeze()

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self.body.thaw()

    def wipe(self) -> None:
        """Delete what a stopped server keeps outside its folder."""
        self.body.remove()

    def _why(self) -> str:
        return f" The end of its log ({self.home}):\n{self.body.log_tail()}"
