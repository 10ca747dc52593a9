"""One side of a comparison, whatever it is made of: work is put before it while it stands still,
and the time counts from the moment it is let go."""

import time
from dataclasses import dataclass
from typing import Protocol

from bench.measuring import machine
from bench.measuring.published import NotMeasured
from bench.measuring.stub import Stub
from localrun.process import Process
from servers import Servers

PATIENCE = 90.0
LOOK_SECONDS = 0.02


class Side(Protocol):
    """A system under test that runs."""

    name: str

    @property
    def processes(self) -> list[Process]:
        """All of them, children not named."""
        ...

    def put(self, jobs: int) -> None:
        """Put so many jobs before it."""
        ...

    def ended(self) -> tuple[int, float]:
        """How many of the jobs last put are done, and the Unix time at which the last was."""
        ...

    def settled(self) -> bool:
        """Whether nothing of them is left to do, what is told afterwards included."""
        ...


@dataclass(frozen=True)
class Round:
    """One side's work on some jobs."""

    side: str
    delay_ms: int
    jobs: int
    seconds: float
    """From letting go until the last job's end was committed."""
    cpu: dict[str, float]
    """CPU seconds until all had settled: the side's own, those of the servers and of the stub, and
    of `others`, which are none of ours."""

    @property
    def per_second(self) -> float:
        return self.jobs / self.seconds

    @property
    def cpu_per_1000(self) -> float:
        """CPU seconds of all processes of the side."""
        return 1000 * self.cpu["side"] / self.jobs

    @property
    def servers_cpu_per_1000(self) -> float:
        """The same of PostgreSQL, RabbitMQ and Redis."""
        return 1000 * sum(self.cpu[one] for one in ("postgres", "rabbitmq", "redis")) / self.jobs

    @property
    def stub_cpu_per_1000(self) -> float:
        """The same of the stub, whose work is the same for all: it tells how fast the machine was
        (ours asks it once more, for a token)."""
        return 1000 * self.cpu["stub"] / self.jobs

    def told(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "side": self.side,
            "delay_ms": self.delay_ms,
            "jobs": self.jobs,
            "seconds": round(self.seconds, 3),
            "per_second": round(self.per_second, 1),
            "cpu_seconds": {who: round(used, 2) for who, used in self.cpu.items()},
        }


def measured(side: Side, stub: Stub, servers: Servers, jobs: int, delay_ms: int) -> Round:
    """One round. Raises NotMeasured when it does not end."""
    stub.delay(delay_ms)
    shown = stub.shown()
    for one in side.processes:
        one.freeze()
    try:
        side.put(jobs)
        groups = _groups(side, stub, servers)
        before, busy = machine.cpu_seconds(groups), machine.busy_seconds()
        began = time.time()
    finally:
        for one in side.processes:
            one.thaw()
    deadline = time.monotonic() + PATIENCE
    while stub.shown() - shown < jobs:
        _wait(deadline, f"{side.name}: {stub.shown() - shown} of {jobs} came to the last call")
    while (found := side.ended())[0] < jobs:
        _wait(deadline, f"{side.name}: {found[0]} of {jobs} were done")
    while not side.settled():
        _wait(deadline, f"{side.name} does not settle")
    after, busy = machine.cpu_seconds(groups), machine.busy_seconds() - busy
    cpu = {who: after[who] - before[who] for who in after}
    cpu["others"] = max(0.0, busy - sum(cpu.values()))
    return Round(side.name, delay_ms, jobs, found[1] - began, cpu)


def _groups(side: Side, stub: Stub, servers: Servers) -> dict[str, list[int]]:
    return {
        "side": [one.pid for one in side.processes],
        "stub": [stub.process.pid],
        **{one.name: [one.pid] for one in servers.all if one.pid},
    }


def _wait(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise NotMeasured(what)
    time.sleep(LOOK_SECONDS)
