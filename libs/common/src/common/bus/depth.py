"""Tells how much waits in a service's queues and how many listen, as the broker itself says.

One process of each service runs this. A passive declare needs no right on the broker, so a
service that may configure nothing can ask.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from aio_pika.exceptions import ChannelNotFoundEntity
from faststream.rabbit import RabbitBroker

from common.bus.subscription import Queue
from common.observe import logs, metrics
from common.resting import rest

EVERY_SECONDS = 15.0
ASK_SECONDS = 2.0
READY, WAITING, DEAD = "ready", "waiting", "dead"
"""Where a message of a queue can be: before a consumer, on a retry rung, among the dead letters."""
log = logs.get(__name__)


async def tell_depth(broker: RabbitBroker, queues: Sequence[Queue], stop: asyncio.Event) -> None:
    """Ask again and again until told to stop; a broker that is away costs the numbers, no more."""
    while not stop.is_set():
        for queue in queues:
            await _tell_consumed(broker, queue)
            await _tell(broker, queue, WAITING, [queue.rung(delay) for delay in queue.rungs])
            await _tell(broker, queue, DEAD, [queue.dead])
        await rest(EVERY_SECONDS, stop)


async def _tell_consumed(broker: RabbitBroker, queue: Queue) -> None:
    """How much is ready, and for how many."""
    consumers = await _tell(broker, queue, READY, [queue.name])
    if consumers is None:
        metrics.QUEUE_CONSUMERS.remove(queue.name)
    else:
        metrics.QUEUE_CONSUMERS.labels(queue.name).set(consumers)


async def _tell(broker: RabbitBroker, queue: Queue, state: str, names: Sequence[str]) -> int | None:
    """The messages of all `names` together. Answers their consumers, None when nobody knows."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            found = [await _ask(broker, name) for name in names]
    except ChannelNotFoundEntity:  # nobody listens to a queue that was deleted: that is an alert
        metrics.QUEUE_DEPTH.remove(queue.name, state)
        return 0
    except Exception as error:  # noqa: BLE001 - no number is better than an old one
        kind = type(error).__name__
        log.warning("queue_depth_unknown", queue=queue.name, state=state, error=kind)
        metrics.QUEUE_DEPTH.remove(queue.name, state)
        return None
    metrics.QUEUE_DEPTH.labels(queue.name, state).set(sum(ready for ready, _ in found))
    return sum(consumers for _, consumers in found)


async def _ask(broker: RabbitBroker, name: str) -> tuple[int, int]:
    """Ready messages and consumers, on a channel of its own: a queue that is gone closes it."""
    connection: Any = broker._connection  # noqa: SLF001 - FastStream has no public way to it
    async with connection.channel() as channel:
        found = await channel.declare_queue(name, passive=True, robust=False)
        told = found.declaration_result
        return told.message_count, told.consumer_count
