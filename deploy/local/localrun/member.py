"""One process of a stack: started with its own settings, watched by its health page."""

import http.client
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGTERM

from localrun.body import StartError
from localrun.environment import TREE
from localrun.plan import SANDBOX, Planned
from localrun.ports import LOOPBACK
from localrun.process import Process, remembered, spawn, tail
from localrun.tasks import Tasks

GRACE = 10.0  # seconds for a shutdown in good order


class Member:
    """A planned process of the stack in `home`, running or not."""

    def __init__(
        self,
        plan: Planned,
        home: Path,
        port: int,
        env: Mapping[str, str],
        privileged: Mapping[str, str] | None = None,
    ) -> None:
        """`privileged`: more settings, for its service's tasks alone."""
        self.plan = plan
        self.port = port
        self.log = home / "logs" / f"{plan.name}.log"
        self._record = home / "run" / f"{plan.name}.json"
        self._privileged = privileged or {}
        self._env = {**env, "HTTP_PORT" if plan.front else "METRICS_PORT": str(port)}

    @property
    def process(self) -> Process | None:
        """None when it does not run."""
        return remembered(self._record)

    def start(self) -> None:
        """Start it unless it runs; `wait_ready` says when it works."""
        if self.process is None:
            command = (sys.executable, "-m", *self.plan.words)
            spawn(command, env=self._env, cwd=TREE, log=self.log).save(self._record)

    def tasks(self, *names: str) -> Tasks:
        """Tasks of its service (migrate, topology), with the settings of those who may more."""
        return Tasks(self.plan.words[0], names, {**self._env, **self._privileged}, self.log)

    def wait_ready(self, deadline: float) -> None:
        """Wait until it says so itself. Raises StartError when it ends or is too slow."""
        while not self.ready():
            if self.process is None:
                raise StartError(f"{self.plan.name} ended while starting.{self._why()}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.plan.name} does not become ready.{self._why()}")
            time.sleep(0.05)

    def ready(self) -> bool:
        """Ask its health page."""
        link = http.client.HTTPConnection(LOOPBACK, self.port, timeout=5)
        try:
            link.request("GET", "/healthz" if self.plan.service == SANDBOX else "/readyz")
            return link.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()

    def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        if process := self.process:
            process.stop(SIGTERM, GRACE)

    def kill(self) -> None:
        """End it without warning (SIGKILL)."""
        if process := self.process:
            process.kill()

    def freeze(self) -> None:
        """Make it hang."""
        if process := self.process:
            process.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        if process := self.process:
            process.thaw()

    def _why(self) -> str:
        return f" The end of {self.log}:\n{tail(self.log)}"
