"""Starts what died, at once, and remembers who died or froze, and when."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Literal

from chaos.history import Death
from chaos.system import LEASE, System

LOOK_SECONDS = 0.1
FIRED = "fired"
PAST_LEASE = LEASE + 1.5
"""Longer than a lease and shorter than lease and quarantine together: a worker that is frozen for
longer, in the moment between its check and the send, is the risk that nobody can take away."""


class Supervisor:
    """Watches every process of ours, and the failpoints at which they die or freeze."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.deaths: list[Death] = []
        self.fired: Counter[tuple[str, str]] = Counter()
        """How often each action was taken at each failpoint."""
        self.passed: set[tuple[str, str]] = set()
        """Failpoints with the process that passed, where processes have failpoints of their own."""
        self.frozen: set[str] = set()
        self._seen: set[str] = set()
        self._pids: dict[int, str] = {}
        self._excused: set[int] = set()
        self._thawing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for name in await asyncio.to_thread(self._look):
                task = asyncio.create_task(self._thaw_later(name, PAST_LEASE))
                self._thawing.add(task)
                task.add_done_callback(self._thawing.discard)
            await asyncio.sleep(LOOK_SECONDS)

    def armed(self) -> set[str]:
        """Failpoints that wait for somebody to pass."""
        return {path.name for path in self._system.failpoints.iterdir() if path.is_file()}

    def arm(self, point: str, action: str, *, process: str = "") -> None:
        """Order what shall happen to the next process that passes, or to the one named."""
        (self._system.failpoints / process / point).write_text(action)

    def disarm(self) -> None:
        """Take back every order."""
        for path in self._system.failpoints.rglob("*"):
            if path.is_file() and path.parent.name != FIRED:
                path.unlink(missing_ok=True)

    async def freeze(self, process: str, seconds: float = PAST_LEASE) -> None:
        """Make it hang for a while."""
        if process in self.frozen:
            return
        self._note(process, "freeze", datetime.now(UTC))
        self.frozen.add(process)
        await asyncio.to_thread(self._system.stack.freeze, process)
        await self._thaw_later(process, seconds)

    async def kill(self, process: str) -> None:
        """End it without warning; `run` notes the death and starts it again."""
        await asyncio.to_thread(self._system.stack.kill, process)

    def excuse(self, pid: int, *, excused: bool = True) -> None:
        """The end of this process is none: it was asked to go and leaves nothing behind."""
        (self._excused.add if excused else self._excused.discard)(pid)

    async def settle(self) -> None:
        """Let everything frozen go on."""
        for task in list(self._thawing):
            task.cancel()
        for name in self._system.stack.members:
            await asyncio.to_thread(self._system.stack.thaw, name)
        self.frozen.clear()

    async def _thaw_later(self, process: str, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            self._system.stack.thaw(process)
            self.frozen.discard(process)

    def _look(self) -> list[str]:
        """Start the dead; the answer is who has stopped at a failpoint."""
        running = {}
        for name, member in self._system.stack.members.items():
            if process := member.process:
                running[process.pid] = name
        hit, stopped = self._fired()
        for pid in stopped:
            if name := running.get(pid, ""):
                self.frozen.add(name)
                self._note(name, "freeze", hit[pid])
        lost = {name: pid for pid, name in self._pids.items() if name not in running.values()}
        for name, pid in lost.items():
            if pid not in self._excused:
                self._note(name, "kill", hit.get(pid, datetime.now(UTC)))
        for name, member in self._system.stack.members.items():
            if name not in running.values():
                member.start()
        self._pids = running
        return [running[pid] for pid in stopped if pid in running]

    def _fired(self) -> tuple[dict[int, datetime], list[int]]:
        """When a failpoint has just hit which processes, and which of them it stopped."""
        hit: dict[int, datetime] = {}
        stopped = []
        for path in self._system.failpoints.rglob(f"{FIRED}/*"):
            if path.name not in self._seen:
                self._seen.add(path.name)
                point, pid, moment = path.name.rsplit(".", 2)
                action = path.read_text().split()[0]
                self.fired[point, action] += 1
                self.passed.add((point, path.parent.parent.name))
                hit[int(pid)] = datetime.fromtimestamp(int(moment) / 1e9, UTC)
                if action == "stop":
                    stopped.append(int(pid))
        return hit, stopped

    def _note(self, process: str, how: Literal["kill", "freeze"], at: datetime) -> None:
        self.deaths.append(Death(at, process, how, self._system.platforms(process)))
