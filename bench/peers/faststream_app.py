"""FastStream, with aiohttp and asyncpg by hand.

faststream run bench.peers.faststream_app:app --workers 2
python -m bench.peers.faststream_app feed FIRST LAST
"""
# mypy: disable-error-code="import-not-found"

import asyncio
import sys
from contextlib import AsyncExitStack

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.schemas import QueueType

from bench.peers.given import AT_ONCE, BUS, QUEUE
from bench.peers.job import Publisher, publisher

broker = RabbitBroker(BUS, logger=None, default_channel=Channel(prefetch_count=AT_ONCE))
app = FastStream(broker, logger=None)
queue = RabbitQueue(QUEUE, queue_type=QueueType.QUORUM, durable=True)
opened = AsyncExitStack()
publishers: list[Publisher] = []


@app.on_startup
async def connect() -> None:
    """Before the first message."""
    publishers.append(await opened.enter_async_context(publisher()))


@app.after_shutdown
async def disconnect() -> None:
    """After the last."""
    await opened.aclose()


@broker.subscriber(queue, ack_policy=AckPolicy.NACK_ON_ERROR)
async def publish(job: int) -> None:
    """One job."""
    await publishers[0].publish(job)


async def feed(first: int, last: int) -> None:
    """Confirmed and persistent."""
    async with RabbitBroker(BUS, logger=None) as sender:
        await sender.declare_queue(queue)
        jobs = range(first, last + 1)
        await asyncio.gather(*(sender.publish(job, QUEUE, persist=True) for job in jobs))


if __name__ == "__main__":
    asyncio.run(feed(*map(int, sys.argv[2:])))
