"""The only way onto the bus: persistent, mandatory, confirmed, and never longer than 5 seconds."""

import asyncio
from contextlib import AbstractContextManager
from typing import Any

from faststream.rabbit import Channel, RabbitBroker
from pydantic import SecretStr

from common.observe import trace

TRACEPARENT = "traceparent"
CONTENT_TYPE = "application/cloudevents+json"
CONFIRM_SECONDS = 5.0
"""FastStream drops `publish(timeout=…)` (stack.md C3), so the limit is ours. Past it the outcome
is unknown, and the outbox sends the same id again."""


def broker(url: SecretStr, service: str, *, graceful_seconds: float = 15.0) -> RabbitBroker:
    """A broker whose publishes fail when unroutable (stack.md C2) and that reads no type hints."""
    return RabbitBroker(
        url.get_secret_value(),
        app_id=service,
        default_channel=Channel(publisher_confirms=True, on_return_raises=True),
        apply_types=False,
        graceful_timeout=graceful_seconds,
        logger=None,
    )


async def publish(
    to: RabbitBroker,
    exchange_name: str,
    routing_key: str,
    body: dict[str, Any] | bytes,
    *,
    message_id: str,
    headers: dict[str, Any] | None = None,
    mandatory: bool = True,
) -> None:
    """Return once the broker confirmed. Raises TimeoutError or the broker's refusal.

    The header `traceparent` tells whoever handles it which sending it came from; that in the body
    stays what it was when the fact was told.
    """
    with sending(exchange_name, routing_key, message_id):
        async with asyncio.timeout(CONFIRM_SECONDS):
            await to.publish(
                body,
                exchange=exchange_name,
                routing_key=routing_key,
                persist=True,
                mandatory=mandatory,
                message_id=message_id,
                headers={**(headers or {}), **told_of_sending()},
                user_id=user_of(to),
                content_type=CONTENT_TYPE,
            )


def sending(
    exchange_name: str, routing_key: str, message_id: str
) -> AbstractContextManager[trace.Span]:
    """The span of a send, until the broker has confirmed."""
    if not trace.recording():
        return trace.span("")
    where = f"{exchange_name}:{routing_key}"
    described: trace.Attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": where,
        "messaging.rabbitmq.destination.routing_key": routing_key,
        "messaging.message.id": message_id,
    }
    return trace.span(f"send {where}", "producer", described)


def told_of_sending() -> dict[str, Any]:
    """Headers. Outside of every trace there is nothing to tell, and the body's own word counts."""
    here = trace.current()
    return {TRACEPARENT: here.traceparent} if here.known else {}


def user_of(to: RabbitBroker) -> str | None:
    """Whom RabbitMQ vouches for: it takes no message with the name of another user."""
    connection = connection_of(to)
    user: str | None = connection and connection.url.user
    return user


def connection_of(to: RabbitBroker) -> Any:  # noqa: ANN401 - aio-pika's robust connection, or None
    """FastStream has no public way to it."""
    return to._connection  # noqa: SLF001
