"""Processes that outlive their starter and are only ever signalled after proving they are ours.

A pid alone proves nothing: it may have been given to somebody else since. A process is therefore
remembered by its pid, the boot and the tick it was born at, and a record that no longer matches is
simply a dead process.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PROC = Path("/proc")
_children: dict[int, subprocess.Popen[bytes]] = {}  # of this interpreter: to be reaped by us


@dataclass(frozen=True)
class Process:
    """One process of ours, identified for good."""

    pid: int
    born: str

    @property
    def alive(self) -> bool:
        """True while the very process that was recorded runs (or is frozen)."""
        if self.pid in _children:
            _children[self.pid].poll()  # reaps it if it ended
        return _born(self.pid) == self.born

    def send(self, number: signal.Signals) -> None:
        """Signal this process alone, if it still is the one that was recorded."""
        if self.alive:
            _send(self.pid, number)

    def send_tree(self, number: signal.Signals) -> None:
        """Signal it and all its descendants.

        PostgreSQL's backends live in sessions of their own, so a group signal would miss them.
        """
        for process in self._tree():
            process.send(number)

    def freeze(self) -> None:
        """Stop the whole tree; again until no child born meanwhile is left running."""
        frozen: set[int] = set()
        while fresh := [one for one in self._tree() if one.pid not in frozen]:
            for process in fresh:
                process.send(signal.SIGSTOP)
                frozen.add(process.pid)

    def thaw(self) -> None:
        """Let the whole tree go on."""
        self.send_tree(signal.SIGCONT)

    def kill(self) -> None:
        """End the whole tree at once, as a power cut would, and wait until it is gone."""
        self.freeze()  # nobody forks or cleans up while we go through the tree
        tree = self._tree()
        for process in reversed(tree):
            process.send(signal.SIGKILL)
        for process in tree:
            process.wait_gone(10)

    def stop(self, number: signal.Signals, grace: float) -> None:
        """Ask it to end; kill the tree when it has not done so within `grace` seconds."""
        self.thaw()  # a frozen process would never see the request
        self.send(number)
        if not self.wait_gone(grace):
            self.kill()

    def wait_gone(self, seconds: float) -> bool:
        """Wait until it is gone; False when it still lives after `seconds`."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def save(self, path: Path) -> None:
        """Remember it for other shells."""
        path.write_text(json.dumps(asdict(self)))

    def _tree(self) -> "list[Process]":
        if not self.alive:
            return []
        children: dict[int, list[int]] = {}
        for entry in PROC.iterdir():
            if entry.name.isdigit() and (stat := _stat(int(entry.name))):
                children.setdefault(int(stat[1]), []).append(int(entry.name))
        pids = [self.pid]
        for pid in pids:
            pids.extend(children.get(pid, ()))
        return [Process(pid, born) for pid in pids if (born := _born(pid))]


def remembered(path: Path) -> Process | None:
    """The living process recorded at `path`, if any."""
    try:
        process = Process(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return process if process.alive else None


def spawn(argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path) -> Process:
    """Start a process in a session of its own, both outputs appended to `log`."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            [str(word) for word in argv],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[child.pid] = child
    # A child that already ended is no more than a zombie of ours: "gone" matches nothing.
    return Process(child.pid, _born(child.pid) or "gone")


def tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log, indented for an error message."""
    if not log.exists():
        return "    (nothing was logged)"
    text = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in text) or "    (the log is empty)"


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the state on; the command before may hold blanks."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _born(pid: int) -> str | None:
    """Boot and tick of birth of a living process; None for a zombie or nothing at all."""
    stat = _stat(pid)
    if stat is None or (stat[0] in "ZX" and int(stat[17]) <= 1):
        return None  # while threads are left behind a dead leader, its ports are still bound
    return f"{(PROC / 'sys/kernel/random/boot_id').read_text().strip()}/{stat[19]}"
