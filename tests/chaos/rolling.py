"""Rolling restarts: every process is replaced, while publications flow and things go wrong.

The services go side by side, the processes of one service one after the other. Each is asked to end
(SIGTERM) and left to drain; some are not waited for and get SIGKILL. The supervisor starts the new.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from signal import SIGTERM

from chaos.supervisor import LOOK_SECONDS, Supervisor
from chaos.system import System
from localrun.member import GRACE, Member
from localrun.plan import SERVICES
from localrun.process import Process

EVERY = 30.0
"""Seconds of a run for each round: twenty in ten minutes."""
SHORT_GRACE = 0.1
SHARE_SHORT = 1 / 6
PATIENCE = 20.0
"""Seconds until the next process has its turn although the last is not ready: the servers that it
needs may be away just now."""


def rounds_in(seconds: float) -> int:
    """How often everything is replaced in a run of that length."""
    return max(1, round(seconds / EVERY))


class Rolling:
    """One run's rolling restarts."""

    def __init__(
        self, system: System, supervisor: Supervisor, *, seed: int, say: Callable[[str], None]
    ) -> None:
        self.rounds = 0
        self.ended: Counter[str] = Counter()
        """How the replaced ended: `drained`, or `killed` when their grace was over."""
        self._stack = system.stack
        self._supervisor = supervisor
        self._random = random.Random(seed)
        self._say = say

    async def run(self, rounds: int, seconds: float) -> None:
        """All rounds, spread evenly; one that is late begins at once."""
        began = time.monotonic()
        for number in range(rounds):
            due = began + number * seconds / rounds
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._say(f"rolling restart {number + 1} of {rounds}")
            async with asyncio.TaskGroup() as group:
                for service in SERVICES:
                    group.create_task(self._row(self._members(service)))
            self.rounds += 1

    def _members(self, service: str) -> list[Member]:
        return [one for one in self._stack.members.values() if one.plan.service == service]

    async def _row(self, members: Sequence[Member]) -> None:
        for member in members:
            old = await self._running(member)
            grace = SHORT_GRACE if self._random.random() < SHARE_SHORT else GRACE
            await self._end(old, grace)
            await self._ready(member, old)

    @staticmethod
    async def _running(member: Member) -> Process:
        """What died by itself is started by the supervisor, and replaced like the others."""
        while True:
            if process := member.process:
                return process
            await asyncio.sleep(LOOK_SECONDS)

    async def _end(self, process: Process, grace: float) -> None:
        process.thaw()  # a frozen process would never see the request
        self._supervisor.excuse(process.pid)
        process.send(SIGTERM)
        if await asyncio.to_thread(process.wait_gone, grace):
            self.ended["drained"] += 1
            return
        self._supervisor.excuse(process.pid, excused=False)
        await asyncio.to_thread(process.kill)
        self.ended["killed"] += 1

    @staticmethod
    async def _ready(member: Member, old: Process) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if member.process not in (None, old) and await asyncio.to_thread(member.ready):
                return
            await asyncio.sleep(LOOK_SECONDS)
