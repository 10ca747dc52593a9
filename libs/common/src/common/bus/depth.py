"""Tells how much waits in a service's queues and how many listen, as the broker itself says.

One process of each service runs this. A passive declare needs no right on the broker, so a
service that may configure nothing can ask.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aio_pika.exceptions import ChannelNotFoundEntity
from faststream.rabbit import RabbitBroker

from common.bus.subscription import Queue
from common.observe import logs, metrics

EVERY_SECONDS = 15.0
ASK_SECONDS = 2.0
log = logs.get(__name__)


async def tell_depth(broker: RabbitBroker, queues: Sequence[Queue], stop: asyncio.Event) -> None:
    """Ask again and again until told to stop; a broker that is away costs the numbers, no more."""
    while not stop.is_set():
        for queue in queues:
            await _tell(broker, queue.name, consumed=True)
            await _tell(broker, queue.dead, consumed=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY_SECONDS):
                await stop.wait()


async def _tell(broker: RabbitBroker, name: str, *, consumed: bool) -> None:
    try:
        ready, consumers = await _ask(broker, name)
    except ChannelNotFoundEntity:  # nobody listens to a queue that was deleted: that is an alert
        metrics.QUEUE_DEPTH.remove(name)
        metrics.QUEUE_CONSUMERS.labels(name).set(0)
    except Exception as error:  # noqa: BLE001 - no number is better than an old one
        log.warning("queue_depth_unknown", queue=name, error=type(error).__name__)
        metrics.QUEUE_DEPTH.remove(name)
        metrics.QUEUE_CONSUMERS.remove(name)
    else:
        metrics.QUEUE_DEPTH.labels(name).set(ready)
        if consumed:
            metrics.QUEUE_CONSUMERS.labels(name).set(consumers)
        else:
            metrics.QUEUE_CONSUMERS.remove(name)


async def _ask(broker: RabbitBroker, name: str) -> tuple[int, int]:
    """Ready messages and consumers, on a channel of its own: a queue that is gone closes it."""
    async with asyncio.timeout(ASK_SECONDS):
        connection: Any = broker._connection  # noqa: SLF001 - FastStream has no public way to it
        async with connection.channel() as channel:
            found = await channel.declare_queue(name, passive=True, robust=False)
            told = found.declaration_result
            return told.message_count, told.consumer_count
