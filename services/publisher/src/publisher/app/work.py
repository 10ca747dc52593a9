"""From a wake-up call to a running task: take a slot, claim, commit, let the message go, work.

The message is acknowledged once the claim is committed, because losing a channel cancels running
handlers (stack.md C7) and a long upload would outlive RabbitMQ's patience (C8). From then on the
lease on the row stands for the work.
"""

import asyncio

from common.bus.subscription import Done, Heard, Outcome
from common.contracts.publisher import PublicationRequested
from common.observe import logs
from publisher.app.engine import Engine
from publisher.app.publish import publish

log = logs.get(__name__)


class Worker:
    """At most `slots` publications at once; the slot is taken before the claim."""

    def __init__(self, engine: Engine, slots: int) -> None:
        self._engine = engine
        self._slots = asyncio.Semaphore(slots)
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, heard: Heard) -> Outcome:
        """Handle one call. One that finds nothing to do is done: somebody was faster."""
        call: PublicationRequested = heard.event
        await self._slots.acquire()
        try:
            if self._engine.stopping.is_set():
                raise asyncio.CancelledError
            policy = self._engine.policy
            async with self._engine.transaction() as uow:
                claimed = await uow.publications.claim(
                    call.publication_id, lease=policy.lease, quarantine=policy.quarantine
                )
                if claimed is not None:
                    await uow.timeline.note(claimed, "claimed", step=claimed.step)
        except BaseException:
            self._slots.release()
            raise
        if claimed is None:
            self._slots.release()
            return Done()
        task = asyncio.create_task(publish(self._engine, claimed))
        self._running.add(task)
        task.add_done_callback(self._ended)
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

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()
        if not task.cancelled() and task.exception() is not None:
            log.error("publish_task_died", exc_info=task.exception())
