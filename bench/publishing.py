"""make bench ONLY=publishing: publications a second, and what they cost, against other systems.

Ours is the whole path with every guarantee; each peer does the same job without most of them (see
`sides` in the result, and bench/peers). The platform is a stub that answers at once, then after
20 ms. All sides run on this machine, take turns, and share its PostgreSQL, RabbitMQ and Redis.
"""

import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from bench.measuring import clipcast_side, machine, peer_sides, peers_installed
from bench.measuring.clipcast_side import Clipcast
from bench.measuring.comparison import COMPARISONS, against, summary, table
from bench.measuring.peer_sides import DATABASE, KINDS, Peer, Peers
from bench.measuring.result import keep, tell
from bench.measuring.side import Round, Side, measured
from bench.measuring.stub import Stub, stub_platform
from localrun.environment import TREE
from servers import Servers

ROUNDS = 3
DELAYS = (0, 20)
"""Milliseconds of each call of the platform."""
SECONDS = 4
"""A round has as many jobs as the side did in this time while it warmed up."""
WARM_UP, LEAST, MOST = 300, 200, 2000
"""Jobs."""
HOME = TREE / ".local/publishing"


class Publishing:
    """One run."""

    def __init__(self, servers: Servers, stub: Stub, kinds: list[peer_sides.Kind]) -> None:
        self._servers = servers
        self._stub = stub
        self._peers = Peers(peers_installed.HOME, servers, stub.url)
        self._clipcast = Clipcast(HOME / "clipcast", servers, stub.url)
        self._others = [Peer(kind, self._peers) for kind in kinds]
        self.sides: list[Side] = [self._clipcast, *self._others]

    def remove(self) -> None:
        """End everything and delete what it stored."""
        for peer in self._others:
            peer.remove()
        self._peers.remove()
        self._clipcast.remove()

    def run(self) -> list[Round]:
        """All rounds."""
        self._peers.create()
        for peer in self._others:
            peer.start()
        self._clipcast.start(MOST)
        return [one for delay in DELAYS for one in self._compared(delay)]

    def _compared(self, delay: int) -> list[Round]:
        """The sides in turn."""
        warm = [self._round(side, WARM_UP if delay == 0 else LEAST, delay) for side in self.sides]
        jobs = {one.side: min(max(round(one.per_second * SECONDS), LEAST), MOST) for one in warm}
        turns = [side for _ in range(ROUNDS) for side in self.sides]
        return [self._round(side, jobs[side.name], delay) for side in turns]

    def _round(self, side: Side, jobs: int, delay: int) -> Round:
        found = measured(side, self._stub, self._servers, jobs, delay)
        for database in (DATABASE, self._clipcast.database):
            self._servers.postgres.sql("VACUUM ANALYZE", database=database)
        what = f"{found.per_second:7.1f} a second, {found.cpu_per_1000:5.2f} CPU s per 1,000"
        tell(f"{side.name:<11}{delay:>3} ms {jobs:>4} jobs {what}")
        return found


def told(rounds: list[Round], skipped: dict[str, str], seconds: float) -> dict[str, Any]:
    """The result but for the machine's facts."""
    ours = clipcast_side.NAME
    pairs = dict.fromkeys((one.side, one.delay_ms) for one in rounds)
    rows = (against(rounds, ours, one) for one in COMPARISONS)
    return {
        "sides": {
            ours: {"how": clipcast_side.ABOUT, "does_not": clipcast_side.LEFT_OUT},
            **{kind.name: {"how": kind.about, "does_not": peer_sides.LEFT_OUT} for kind in KINDS},
        },
        "skipped": skipped,
        "goals": [one for one in rows if one],
        "summary": [summary(rounds, *pair) for pair in pairs],
        "rounds": [one.told() for one in rounds],
        "seconds": round(seconds),
    }


def main() -> int:
    """The command."""
    began, facts, servers = time.monotonic(), machine.facts(), Servers()
    peers_installed.python()
    skipped = {"bullmq": why} if (why := peers_installed.node()) else {}
    for name, why in skipped.items():
        tell(f"{name} is skipped: {why}")
    servers.up()
    with stub_platform(HOME) as stub:
        run = Publishing(servers, stub, [kind for kind in KINDS if kind.name not in skipped])
        with suppress(FileNotFoundError, subprocess.CalledProcessError):
            run.remove()  # what a run that was killed has left
        try:
            rounds = run.run()
        finally:
            run.remove()
    versions = {"versions": peers_installed.versions()}
    result = {"machine": facts} | versions | told(rounds, skipped, time.monotonic() - began)
    keep("publishing", result, table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
