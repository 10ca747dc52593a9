"""The lease a worker holds on a publication: renewed beside the work, and its end is a wall."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from common.failpoint import failpoint
from publisher.app.ports import Transaction
from publisher.domain.publication import Publication
from publisher.domain.rules import wall


class LeaseLost(Exception):
    """Somebody else may own the publication by now: stop without writing anything."""


class FencedOff(Exception):
    """Somebody else does own it: whatever we know is worthless."""


class Lease:
    """Knows, by this process's monotonic clock, until when sending is allowed."""

    def __init__(
        self,
        publication: Publication,
        length: timedelta,
        transaction: Transaction,
        *,
        since: float | None = None,
    ) -> None:
        self.claimed = publication
        self._length = length
        self._transaction = transaction
        taken = time.monotonic() if since is None else since
        self._wall = wall(taken, length)
        self._limits: dict[asyncio.Timeout, float] = {}

    def check(self) -> None:
        """Raises LeaseLost when nothing may be sent any more."""
        if time.monotonic() >= self._wall:
            raise LeaseLost

    @asynccontextmanager
    async def sending(self, most: timedelta) -> AsyncIterator[None]:
        """Inside, calls may be made: for `most` at the longest and never past the lease's end.

        Raises LeaseLost when the lease ends first, TimeoutError when `most` does.
        """
        end = time.monotonic() + most.total_seconds()
        self.check()
        try:
            async with asyncio.timeout_at(_loop_time(min(end, self._wall))) as limit:
                self._limits[limit] = end
                try:
                    yield
                finally:
                    del self._limits[limit]
        except TimeoutError:
            if time.monotonic() >= self._wall:
                raise LeaseLost from None
            raise

    async def keep(self) -> None:
        """Renew three times a lease until cancelled, and again soon where that fails: a connection
        that hangs must not cost the lease. Without a renewal the wall stays."""
        length = self._length.total_seconds()
        pause = length / 3
        while True:
            await asyncio.sleep(pause)
            asked = time.monotonic()
            try:
                failpoint("publisher.renewing")
                async with asyncio.timeout(max(length / 10, 1.0)), self._transaction() as uow:
                    held = await uow.due.renew(self.claimed, self._length)
            except Exception:  # noqa: BLE001 - the database may be back before the wall
                pause = length / 30
                continue
            pause = length / 3
            if not held:
                self._move(asked)
                return
            self._move(wall(asked, self._length))

    def _move(self, to: float) -> None:
        self._wall = to
        for limit, end in self._limits.items():
            if limit.expired():  # its call is still cleaning up, and can't be given more time
                continue
            limit.reschedule(_loop_time(min(end, to)))


def _loop_time(monotonic: float) -> float:
    return asyncio.get_running_loop().time() + (monotonic - time.monotonic())
