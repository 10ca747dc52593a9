"""A bare asyncio loop: aiormq, asyncpg, aiohttp and uvloop, no framework.

python -m bench.peers.bare_loop work | feed FIRST LAST
"""
# mypy: disable-error-code="import-not-found"

import asyncio
import sys

import aiormq
import uvloop

from bench.peers.given import AT_ONCE, BUS, QUEUE
from bench.peers.job import Publisher, publisher


async def work() -> None:
    """Consume for ever; a job is acknowledged when it is done."""
    channel = await (await aiormq.connect(BUS)).channel(publisher_confirms=False)
    await channel.basic_qos(prefetch_count=AT_ONCE)
    await declare(channel)
    async with publisher() as opened:

        async def done(message: aiormq.abc.DeliveredMessage) -> None:
            await handle(opened, message)

        await channel.basic_consume(QUEUE, done)
        await asyncio.Event().wait()


async def handle(opened: Publisher, message: aiormq.abc.DeliveredMessage) -> None:
    """One job. aiormq runs each delivery in a task of its own."""
    await opened.publish(int(message.body))
    if message.delivery_tag is not None:
        await message.channel.basic_ack(message.delivery_tag)


async def feed(first: int, last: int) -> None:
    """Confirmed and persistent."""
    channel = await (await aiormq.connect(BUS)).channel()
    await declare(channel)
    persistent = aiormq.spec.Basic.Properties(delivery_mode=2)
    jobs = [str(job).encode() for job in range(first, last + 1)]
    sent = (channel.basic_publish(one, routing_key=QUEUE, properties=persistent) for one in jobs)
    await asyncio.gather(*sent)


async def declare(channel: aiormq.abc.AbstractChannel) -> None:
    """A quorum queue, as ours are."""
    await channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    uvloop.run(work() if what == "work" else feed(*map(int, numbers)))
