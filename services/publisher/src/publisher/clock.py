"""The ticking part of the clock process."""

import asyncio
import time

from common.failpoint import failpoint
from common.observe import logs, metrics
from common.resting import rest
from publisher.app.ports import Transaction
from publisher.app.start_due import BATCH, hold_due, start_due, wake_unattended
from publisher.settings import PublisherSettings

log = logs.get(__name__)
STALE_SECONDS = 30.0


class Clock:
    """Starts what is due and wakes what nobody attends to, several times a second."""

    def __init__(self, transaction: Transaction, settings: PublisherSettings) -> None:
        self._transaction = transaction
        self._settings = settings
        self._ticked = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until told to stop; a fault of the database costs one tick."""
        while not stop.is_set():
            try:
                full = await self._tick()
                self._ticked = time.monotonic()
                metrics.CLOCK_TICKED.set_to_current_time()
            except Exception as error:  # noqa: BLE001 - the clock outlives its servers
                log.warning("clock_error", error=type(error).__name__)
                full = False
            if not full:
                await rest(self._settings.clock_tick.total_seconds(), stop)

    async def check(self) -> str:
        """For /readyz: when it last ticked. Raises when that is too long ago."""
        age = time.monotonic() - self._ticked
        if age > STALE_SECONDS:
            raise TimeoutError
        return f"ticked {age:.1f} s ago"

    async def _tick(self) -> bool:
        """True when a batch was full, so that more may be waiting."""
        settings = self._settings
        async with self._transaction() as uow:
            started = await start_due(uow)
        if started:
            failpoint("publisher.started")
        if started == BATCH:
            return True  # what is due now comes before what has waited already
        async with self._transaction() as uow:
            await hold_due(uow, hold_max=settings.hold_max)
        async with self._transaction() as uow:
            woken = await wake_unattended(
                uow, quarantine=settings.quarantine, again_after=settings.wake_again
            )
            if woken:
                failpoint("publisher.calling")
        return woken >= BATCH
