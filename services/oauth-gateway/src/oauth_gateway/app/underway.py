"""What must not stop halfway: it outlives its caller, and the end of the process waits for it.

A deploy cancels requests and rounds of the worker; a token pair that a platform has just rotated
would be lost with them.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from common.observe import logs

DRAIN_SECONDS = 45.0
"""A call's patience and the tries to store its answer; with the 10 s that requests get to end
(common.process) it stays below the minute after which a deploy kills."""

T = TypeVar("T")
log = logs.get(__name__)


class Underway:
    """The pieces of work of one process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def completed(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for its result. When the one who waits is cancelled, it goes on."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def drained(self, seconds: float = DRAIN_SECONDS) -> None:
        """Return when nothing is underway any more, or when it takes too long."""
        if not self._tasks:
            return
        log.info("underway_awaited", count=len(self._tasks))
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        if late:
            log.error("underway_abandoned", count=len(late))
