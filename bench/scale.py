"""make bench ONLY=scale: what more publisher processes on one machine bring, and that all of them
together keep to one pace.

Every call of the platform takes 200 ms, and a process has few slots, so it mostly waits: what one
process can do is slots / (calls · latency), and more processes help until the cores are busy. The
whole system runs on the machine, the simulated platform and the servers included.
"""

import asyncio
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.measuring import machine
from bench.measuring.published import InHand, NotMeasured, all_published, length
from bench.measuring.result import keep, tell
from bench.measuring.scaling import Round, summary, table
from bench.measuring.spread import percentiles
from chaos import evidence
from chaos.evidence import Direct
from chaos.pace import over_pace
from chaos.system import Sandbox, rates
from localrun.at_once import at_once
from localrun.environment import TREE
from localrun.person import Person
from servers import Servers
from stack import Stack

COUNTS = (1, 2, 4, 8)
ORDER = (*COUNTS, *reversed(COUNTS), *COUNTS)
PLATFORM = "dzen"
CALLS = 4
"""Draft, file, publish, look."""
API_CALLS = 3
"""The file goes to an upload host, whose bytes have no pace."""
LATENCY = 0.2
SLOTS = 2
IDEAL = SLOTS / (CALLS * LATENCY)
"""Publications a second of one process that does nothing but wait."""
EACH = 15
"""Publications for each process of a round: about six seconds."""
ACCOUNTS = 8
PACE = 6.0
ACCOUNT_PACE = 1.5
PACED = 30
"""Publications of a round with pacing on: 90 calls, 15 seconds."""
NONE = "1000000"
PATIENCE = 120.0
SETTINGS = {
    "SLOTS": str(SLOTS),
    "LATENCY_SECONDS": str(LATENCY),
    "PROCESSING_SECONDS": "0",
    "DZEN_CALLS_PER_SECOND": "0",
    "PACE_DZEN": NONE,
    "ACCOUNT_PACE_DZEN": NONE,
    "BURST_LIMIT": "off",
    "PUBLISH_RATE": "100000/minute",
    "CONNECT_RATE": "100000/hour",
    "SCHEDULE_MIN_AHEAD": "1s",
    "JOURNAL_KEEP": "1000000",
}
WITH_PACE = SETTINGS | {
    "PACE_DZEN": str(PACE),
    "ACCOUNT_PACE_DZEN": str(ACCOUNT_PACE),
    "DZEN_CALLS_PER_SECOND": "3",  # the platform itself refuses what comes faster
}


class Scale:
    """One run."""

    def __init__(self, home: Path) -> None:
        self._stack = Stack(home, Servers(), settings=SETTINGS, publishers=[PLATFORM] * max(COUNTS))
        self._number = 0

    def run(self) -> dict[str, Any]:
        """Everything; nothing of it stays."""
        began, facts = time.monotonic(), machine.facts()
        self._stack.up()
        try:
            self._person = Person(self._stack.urls, self._stack.token("bench", "business"))
            self._direct = Direct(self._stack, Sandbox(self._stack.urls["sandbox"]))
            self._key = self._person.upload(TREE / "deploy/local/clip.mp4")["key"]
            self._links = [self._connected() for _ in range(ACCOUNTS)]
            self._warm_up()
            rounds = [self._round(count) for count in ORDER]
            paced = self._paced()
        finally:
            self._stack.remove()
        return {
            "machine": facts,
            "platform": PLATFORM,
            "latency_seconds": LATENCY,
            "slots": SLOTS,
            "ideal_per_second_of_one": IDEAL,
            "summary": [summary(rounds, count, IDEAL) for count in COUNTS],
            "rounds": [one.told() for one in rounds],
            "paced": paced,
            "seconds": round(time.monotonic() - began),
        }

    def _connected(self) -> str:
        account = self._direct.sandbox.account(PLATFORM)["account"]
        linked: str = self._person.connect_by_consent(PLATFORM, account)["id"]
        return linked

    def _warm_up(self) -> None:
        """Connections, caches and tokens, of all processes."""
        clip, due = self._asked(max(COUNTS) * SLOTS * 2)
        asyncio.run(self._published(clip, max(COUNTS) * SLOTS * 2, due))

    def _round(self, count: int) -> Round:
        clip, due = self._prepared(count, count * EACH)
        self._wait_until(due)
        before, busy = machine.cpu_seconds(self._groups()), machine.busy_seconds()
        lines = asyncio.run(self._published(clip, count * EACH, due))
        after, busy = machine.cpu_seconds(self._groups()), machine.busy_seconds() - busy
        cpu = {who: after[who] - before[who] for who in after}
        found = Round(
            count,
            len(lines),
            length(lines),
            percentiles([one.seconds for one in lines]),
            cpu | {"others": max(0.0, busy - sum(cpu.values()))},
        )
        tell(f"{count} processes: {found.per_second:.1f} publications a second")
        return found

    def _paced(self) -> dict[str, Any]:
        """The same with pacing on; each count's calls are held against the pace that was set."""
        paced = Stack(
            self._stack.home,
            self._stack.servers,
            settings=WITH_PACE,
            publishers=[PLATFORM] * max(COUNTS),
        )
        for name in [*self._workers(), "sandbox"]:
            self._stack.members[name].stop()
        self._stack = paced
        paced.start("sandbox")  # which remembers accounts, tokens and posts
        found = {str(count): self._paced_round(count) for count in COUNTS}
        return {
            "per_second": PACE,
            "per_second_of_account": ACCOUNT_PACE,
            "over_pace": sum(len(one["over_pace"]) for one in found.values()),
            "by_processes": found,
        }

    def _paced_round(self, count: int) -> dict[str, Any]:
        clip, due = self._prepared(count, PACED)
        asyncio.run(self._published(clip, PACED, due))
        calls = [one for one in evidence.calls(self._direct, (PLATFORM,)) if one.at >= due]
        wrong = list(over_pace(calls, rates(WITH_PACE, (PLATFORM,))))
        span = (max(one.at for one in calls) - min(one.at for one in calls)).total_seconds()
        used = (len(calls) - 1) / span / PACE
        tell(f"{count} processes: {used:.0%} of the pace, {len(wrong)} times too fast")
        return {"calls": len(calls), "pace_used": round(used, 3), "over_pace": wrong}

    def _prepared(self, count: int, publications: int) -> tuple[str, datetime]:
        """So many workers run, and so many publications are due together in a moment."""
        workers = self._workers()
        extra = [partial(self._stack.members[name].stop) for name in workers[count:]]
        missing = [partial(self._stack.start, name) for name in workers[:count]]
        at_once(*extra, *missing)
        return self._asked(publications)

    def _asked(self, publications: int) -> tuple[str, datetime]:
        """Publications on all accounts in turn, and when they are due. Raises NotMeasured."""
        self._number += 1
        clip = f"scale-{self._number}-"
        requests = [range(ACCOUNTS)] * (publications // ACCOUNTS)
        requests += [range(publications % ACCOUNTS)] if publications % ACCOUNTS else []
        due = datetime.now(UTC) + timedelta(seconds=3 + 0.25 * len(requests))
        for number, targets in enumerate(requests):
            self._person.publish(
                clip_id=f"{clip}{number}",
                media={"key": self._key},
                title=f"{clip}{number}",
                targets=[{"connection_id": self._links[one]} for one in targets],
                schedule_at=due.isoformat(),
            )
        if datetime.now(UTC) >= due:
            raise NotMeasured("it took too long to ask: the machine is too busy")
        return clip, due

    async def _published(self, clip: str, publications: int, due: datetime) -> list[InHand]:
        url = self._direct.databases["publisher"]
        return await all_published(url, clip, publications, due + timedelta(seconds=PATIENCE))

    def _groups(self) -> dict[str, list[int]]:
        members = self._stack.members
        alive = {name: one.process.pid for name, one in members.items() if one.process}
        workers = set(self._workers())
        servers = {one.name: [one.pid] for one in self._stack.servers.all if one.pid}
        return {
            "workers": [pid for name, pid in alive.items() if name in workers],
            "clock": [alive["publisher-clock"]],
            "platform": [alive["sandbox"]],
            "gateways": [
                pid
                for name, pid in alive.items()
                if name not in workers | {"publisher-clock", "sandbox"}
            ],
            **servers,
        }

    def _workers(self) -> list[str]:
        return [one for one in self._stack.members if one.startswith(f"publisher-{PLATFORM}")]

    @staticmethod
    def _wait_until(due: datetime) -> None:
        time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))


def main() -> int:
    """The command; 0 when the pace was kept."""
    home = TREE / ".local/bench"
    with suppress(FileNotFoundError):
        Stack(home, Servers()).stop()  # a run that was killed may have left processes
    result = Scale(home).run()
    keep("scale", result, table(result))
    return 1 if result["paced"]["over_pace"] else 0


if __name__ == "__main__":
    sys.exit(main())
