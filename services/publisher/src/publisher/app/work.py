"""From a wake-up call to a running task: take a slot, claim, commit, let the message go, work.

The message is acknowledged once the claim is committed, because losing a channel cancels running
handlers (stack.md C7) and a long upload would outlive RabbitMQ's patience (C8). From then on the
lease on the row stands for the work.

A call says only that something of a platform is due. What is taken is the next in turn, so that
users share a platform fairly however many publications each of them has.
"""

import asyncio
import time
from datetime import timedelta
from functools import partial

from common.bus.subscription import Done, Heard, Outcome
from common.contracts.publisher import PublicationRequested
from common.contracts.words import Platform
from common.failpoint import failpoint
from common.observe import logs, metrics, trace
from publisher.app import record
from publisher.app.coverage import call_off_uncovered
from publisher.app.engine import Engine
from publisher.app.pause_burst import pause_burst
from publisher.app.ports import Uow
from publisher.app.publish import publish
from publisher.domain.publication import Publication

log = logs.get(__name__)


class Worker:
    """At most `slots` publications of a platform at once, so that a slow one holds up no other.

    The slot is taken before the claim: a message that waits has had no effect yet.
    """

    def __init__(self, engine: Engine, slots: int) -> None:
        self._engine = engine
        self._lines = {platform: _Line(platform, slots) for platform in Platform}
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, heard: Heard) -> Outcome:
        """Handle one call. One that finds nothing to do is done: somebody was faster."""
        call: PublicationRequested = heard.event
        place = await self._lines[call.platform].enter()
        try:
            since = time.monotonic()
            claimed = await self._claim(place.line)
            if claimed is not None:
                failpoint("publisher.claimed")
        except BaseException:
            place.leave()
            raise
        if claimed is None:
            place.leave()
            return Done()
        task = asyncio.create_task(self._work(place, claimed, since))
        self._running.add(task)
        task.add_done_callback(partial(self._ended, place))
        return Done()

    def stop_claiming(self) -> None:
        """From now on nothing new is begun, and running work hands over after its step."""
        self._engine.stopping.set()

    async def drain(self, seconds: float) -> None:
        """Wait for running work; what does not end in time is left to its lease."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _claim(self, line: "_Line") -> Publication | None:
        while True:
            if self._engine.stopping.is_set():
                raise asyncio.CancelledError
            again, claimed = await self._claim_next(line)
            if not again:
                break
        if claimed is not None:
            line.last_user = claimed.user_id
        return claimed

    async def _claim_next(self, line: "_Line") -> tuple[bool, Publication | None]:
        """The next in turn; True when it may not go because its account is paused now."""
        policy = self._engine.policy
        async with self._engine.transaction() as uow:
            due = await uow.due.next_in_turn(
                line.platform,
                line.last_user,
                quarantine=policy.quarantine,
                counted=policy.burst is not None,
            )
            if due is None:
                return False, None
            claimed = await uow.due.claim(
                due, lease=policy.lease, quarantine=policy.quarantine, burst=policy.burst
            )
            if claimed is not None:
                with record.within(claimed):  # which need not be the one that was called for
                    uow.then(partial(_observe, claimed.platform, await _late(uow, claimed)))
                    claimed = await call_off_uncovered(uow, claimed)
                failpoint("publisher.claiming")
                return False, claimed
            return await pause_burst(uow, due, policy.burst), None

    async def _work(self, place: "_Place", claimed: Publication, since: float) -> None:
        failpoint("publisher.working")
        await publish(self._engine, claimed, since=since, admitted=place.open)
        with trace.within(trace.start()):  # the call has led to nothing that comes now
            await self._go_on(place)

    async def _go_on(self, place: "_Place") -> None:
        while not place.line.called and not self._engine.stopping.is_set():
            # Nobody waits for the slot: see what else is due. Should all calls be lost, a single
            # one brings everything back.
            await place.return_to_the_door()
            since = time.monotonic()
            try:
                following = await self._claim(place.line)
            except Exception as error:  # noqa: BLE001 - whatever is due will be called for again
                log.warning("claim_failed", error=type(error).__name__)
                return
            if following is None:
                return
            await publish(self._engine, following, since=since, admitted=place.open)

    def _ended(self, place: "_Place", task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        place.leave()
        if not task.cancelled() and task.exception() is not None:
            log.error("publish_task_died", exc_info=task.exception())


class _Line:
    """A platform's slots and the door before them. Only one publication at a time stands between
    its claim and its first turn at the platform's pace: so the next is chosen as late as can be."""

    def __init__(self, platform: Platform, slots: int) -> None:
        self.platform = platform
        self.last_user = ""
        self.called = 0
        """Calls that wait for a slot."""
        self.slots = asyncio.Semaphore(slots)
        self.door = asyncio.Lock()

    async def enter(self) -> "_Place":
        """Wait for a slot, then for the door."""
        self.called += 1
        try:
            await self.slots.acquire()
        finally:
            self.called -= 1
        place = _Place(self)
        try:
            await place.return_to_the_door()
        except BaseException:
            place.leave()
            raise
        return place


class _Place:
    """A slot that was taken, at times with the door in hand."""

    def __init__(self, line: _Line) -> None:
        self.line = line
        self._at_door = False

    async def return_to_the_door(self) -> None:
        """Wait until nobody else is on the way to a first turn."""
        self.open()
        await self.line.door.acquire()
        self._at_door = True

    def open(self) -> None:
        """Let the next one through."""
        if self._at_door:
            self._at_door = False
            self.line.door.release()

    def leave(self) -> None:
        """Give the slot back."""
        self.open()
        self.line.slots.release()


async def _late(uow: Uow, claimed: Publication) -> timedelta | None:
    """For how long a scheduled one could have been taken in hand before it was, for the first time.
    While it was held (`due_at` moves then) or paused it was not late."""
    if claimed.fence > 1 or claimed.schedule_at is None or claimed.due_at is None:
        return None
    resumed = await uow.pauses.resumed_at(claimed)
    return claimed.updated_at - max(claimed.due_at, resumed or claimed.due_at)


def _observe(platform: Platform, late: timedelta | None) -> None:
    if late is not None:
        metrics.LATENESS.labels(platform).observe(max(0.0, late.total_seconds()))
