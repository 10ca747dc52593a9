"""Declares every exchange and queue of a service, once, by a privileged user.

Services themselves run with `declare=False`: a user that may configure nothing can run them
(security.md S2), and a declaration on a consuming channel would lose its prefetch (stack.md C5).
"""

from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, ExchangeType
from pydantic import SecretStr

from common.bus.subscription import Queue, dead_exchange, exchange, retry_exchange

MAX_LENGTH = 1_000_000
DELIVERY_LIMIT = 50
"""Restarts and lost connections count too (stack.md C9), so it is far above any real retry."""

LOOKS = 1_000_000_000
"""RabbitMQ 4 drops a message that came back 20 times, and each look at a dead letter counts."""


async def declare(url: SecretStr, service: str, queues: tuple[Queue, ...]) -> None:
    """Idempotent; the sources' exchanges are declared as well, so the order of services is free."""
    connection = await aio_pika.connect(url.get_secret_value(), timeout=10)
    async with connection:
        channel = await connection.channel()
        await channel.declare_exchange(exchange(service), ExchangeType.TOPIC, durable=True)
        retry = await channel.declare_exchange(
            retry_exchange(service), ExchangeType.DIRECT, durable=True
        )
        dead = await channel.declare_exchange(
            dead_exchange(service), ExchangeType.DIRECT, durable=True
        )
        for queue in queues:
            await _declare_queue(channel, queue, retry, dead)


async def _declare_queue(
    channel: AbstractChannel, queue: Queue, retry: AbstractExchange, dead: AbstractExchange
) -> None:
    declared = await channel.declare_queue(
        queue.name,
        durable=True,
        arguments=_arguments(dead.name, queue.name) | {"x-delivery-limit": DELIVERY_LIMIT},
    )
    for source, key in queue.bindings:
        await channel.declare_exchange(source, ExchangeType.TOPIC, durable=True)
        await declared.bind(source, key)
    await declared.bind(retry, queue.name)
    for delay in queue.rungs:
        name = queue.rung(delay)
        rung = await channel.declare_queue(
            name,
            durable=True,
            arguments=_arguments(retry.name, queue.name)
            | {"x-message-ttl": int(delay.total_seconds() * 1000)},
        )
        await rung.bind(retry, name)
    grave = await channel.declare_queue(
        queue.dead,
        durable=True,
        arguments={"x-queue-type": "quorum", "x-delivery-limit": LOOKS},
    )
    await grave.bind(dead, queue.name)


def _arguments(dead_letter_exchange: str, key: str) -> dict[str, Any]:
    """At-least-once dead-lettering needs both the strategy and reject-publish (performance.md)."""
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": dead_letter_exchange,
        "x-dead-letter-routing-key": key,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-max-length": MAX_LENGTH,
    }
