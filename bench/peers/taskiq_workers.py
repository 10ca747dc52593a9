"""Taskiq over taskiq-aio-pika, with aiohttp and asyncpg by hand.

taskiq worker bench.peers.taskiq_workers:broker --workers 2 --max-async-tasks 50
python -m bench.peers.taskiq_workers feed FIRST LAST
"""
# mypy: disable-error-code="import-not-found,untyped-decorator"

import asyncio
import sys
from contextlib import AsyncExitStack

from taskiq import TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker, Queue, QueueType

from bench.peers.given import AT_ONCE, BUS, QUEUE
from bench.peers.job import Publisher, publisher

broker = AioPikaBroker(BUS, qos=AT_ONCE).with_queues(Queue(name=QUEUE, type=QueueType.QUORUM))
opened = AsyncExitStack()
publishers: list[Publisher] = []


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def connect(_: TaskiqState) -> None:
    """Before the first task."""
    publishers.append(await opened.enter_async_context(publisher()))


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def disconnect(_: TaskiqState) -> None:
    """After the last."""
    await opened.aclose()


@broker.task("publish")
async def publish(job: int) -> None:
    """One job."""
    await publishers[0].publish(job)


async def feed(first: int, last: int) -> None:
    """Confirmed and persistent."""
    await broker.startup()
    await asyncio.gather(*(publish.kiq(job) for job in range(first, last + 1)))
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(feed(*map(int, sys.argv[2:])))
