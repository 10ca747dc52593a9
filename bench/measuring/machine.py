"""What a figure says depends on the machine: its facts, and who used how much of its processors."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")
USED = slice(11, 15)
"""Fields of stat after the command: user and system time, its own and of its ended children."""
IDLE = slice(3, 5)
"""Fields of the machine's line: idle, and idle while a disk works."""


def facts() -> dict[str, Any]:
    """Cores, memory, interpreter, and how busy the machine has been in the last minute."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 1),
    }


def busy_seconds() -> float:
    """CPU seconds that all programs of the machine have used since it was started."""
    line = (PROC / "stat").read_text().split("\n", 1)[0]
    ticks = [int(one) for one in line.split()[1:9]]
    return (sum(ticks) - sum(ticks[IDLE])) / TICK


def cpu_seconds(groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """CPU seconds so far of each group of processes, with all their descendants."""
    stats = {pid: stat for pid in _pids() if (stat := _stat(pid))}
    children: dict[int, list[int]] = {}
    for pid, stat in stats.items():
        children.setdefault(int(stat[1]), []).append(pid)
    found = {}
    for name, roots in groups.items():
        pids = [pid for pid in roots if pid in stats]
        for pid in pids:
            pids.extend(children.get(pid, ()))
        found[name] = sum(sum(map(int, stats[pid][USED])) for pid in pids) / TICK
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str] | None:
    """Fields from the state on; the command before may hold blanks."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
