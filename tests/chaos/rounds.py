"""The short run: every failpoint kills once, the engine's once on each platform where it can.

Each platform has one worker with failpoints of its own, so it is known who passed. Some points are
only reached after something went wrong: that is ordered first.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from chaos.leading import Leading
from chaos.plan import PLATFORMS
from chaos.supervisor import Supervisor
from chaos.system import System
from common.failpoint import POINTS

PATIENCE = 110.0
"""Seconds until somebody must have passed. Facts that a killed relay had taken wait for 15 of them,
more than once when the next relay is killed as well."""
AGAIN = 8.0
"""Seconds after which what leads to a point is ordered once more."""
ENGINE = (
    "publisher.claiming",
    "publisher.claimed",
    "publisher.working",
    "publisher.begun",
    "publisher.looked",
    "publisher.answered",
    "publisher.recorded",
    "publisher.uploading",
    "publisher.renewing",
    "publisher.undone",
)
"""What a worker passes; a doubt comes before the look that settles it."""
NEVER = {
    "rutube": {"publisher.uploading", "publisher.undone"},  # it fetches; nothing precedes the post
    "telegram": {"publisher.looked", "publisher.undone"},  # one step, which can't be looked up
}
OTHERS = (
    ("publisher.accepted", "publisher.cancelled", "publisher.started", "publisher.calling"),
    ("relay.leased", "relay.published", "bus.reacted", "bus.retrying", "bus.retried"),
    ("stats-collector.claimed", "stats-collector.answered", "bus.burying"),
    (
        "oauth-gateway.verified",
        "oauth-gateway.exchanged",
        "connections.granted",
        "connections.linked",
        "connections.disconnected",
        "oauth-gateway.revoking",
        "oauth-gateway.revoked",
    ),
    ("oauth-gateway.refreshing", "oauth-gateway.refreshed", "oauth-gateway.stored"),
)
"""Everybody else's, in rows that are gone through side by side."""


class Rounds:
    """Goes through all points."""

    def __init__(
        self,
        system: System,
        supervisor: Supervisor,
        leading: Leading,
        *,
        say: Callable[[str], None],
    ) -> None:
        known = {*ENGINE, *(point for row in OTHERS for point in row)}
        if known != set(POINTS):
            raise LookupError(f"failpoints without a round: {known ^ set(POINTS)}")
        self._system = system
        self._supervisor = supervisor
        self._leading = leading
        self._say = say
        self.missing: list[str] = []

    async def run(self) -> None:
        """Every row of points; what nobody passed in time is in `missing`."""
        async with asyncio.TaskGroup() as group:
            for platform in PLATFORMS:
                points = [one for one in ENGINE if one not in NEVER.get(platform, ())]
                group.create_task(self._row(points, platform))
            for row in OTHERS:
                group.create_task(self._row(row))

    async def _row(self, points: Sequence[str], platform: str = "") -> None:
        for point in points:
            process = f"publisher-{platform}" if platform else ""
            if not await self._passed(point, process, platform):
                self.missing.append(f"{point} {platform}".strip())

    async def _passed(self, point: str, process: str, platform: str) -> bool:
        self._say(f"failpoint kill9 {point} {process}")
        self._supervisor.arm(point, "kill9", process=process)
        where = process or self._system.failpoints.name
        deadline, again = time.monotonic() + PATIENCE, 0.0
        while (point, where) not in self._supervisor.passed:
            if time.monotonic() > deadline:
                return False
            if time.monotonic() > again:
                await self._leading.to(point, (platform,))
                again = time.monotonic() + AGAIN
            await asyncio.sleep(0.2)
        return True
