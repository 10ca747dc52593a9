"""From a wake-up call to a running task: take a slot, claim, commit, let the message go, work.

The message is acknowledged once the claim is committed, because losing a channel cancels running
handlers (stack.md C7) and a long upload would outlive RabbitMQ's patience (C8). From then on the
lease on the row stands for the work.
"""

import asyncio
import time
from functools import partial

from common.bus.subscription import Done, Heard, Outcome
from common.contracts.publisher import PublicationRequested
from common.contracts.words import Platform
from common.observe import logs, metrics
from publisher.app.engine import Engine
from publisher.app.publish import publish
from publisher.domain.publication import Publication

log = logs.get(__name__)


class Worker:
    """At most `slots` publications of a platform at once, so that a slow one holds up no other.

    The slot is taken before the claim: a message that waits has had no effect yet.
    """

    def __init__(self, engine: Engine, slots: int) -> None:
        self._engine = engine
        self._slots = {platform: asyncio.Semaphore(slots) for platform in Platform}
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, heard: Heard) -> Outcome:
        """Handle one call. One that finds nothing to do is done: somebody was faster."""
        call: PublicationRequested = heard.event
        slots = self._slots[call.platform]
        await slots.acquire()
        try:
            if self._engine.stopping.is_set():
                raise asyncio.CancelledError
            policy = self._engine.policy
            since = time.monotonic()
            async with self._engine.transaction() as uow:
                claimed = await uow.publications.claim(
                    call.publication_id, lease=policy.lease, quarantine=policy.quarantine
                )
                if claimed is not None:
                    await uow.timeline.note(claimed, "claimed", step=claimed.step)
                    uow.then(partial(_observe_lateness, claimed))
        except BaseException:
            slots.release()
            raise
        if claimed is None:
            slots.release()
            return Done()
        task = asyncio.create_task(publish(self._engine, claimed, since=since))
        self._running.add(task)
        task.add_done_callback(partial(self._ended, slots))
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

    def _ended(self, slots: asyncio.Semaphore, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        slots.release()
        if not task.cancelled() and task.exception() is not None:
            log.error("publish_task_died", exc_info=task.exception())


def _observe_lateness(claimed: Publication) -> None:
    """How long after its time a publication was taken in hand for the first time."""
    due = claimed.schedule_at or claimed.created_at
    if claimed.fence == 1:
        late = (claimed.updated_at - due).total_seconds()
        metrics.LATENESS.labels(claimed.platform).observe(max(0.0, late))
