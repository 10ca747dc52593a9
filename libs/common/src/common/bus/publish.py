"""The only way onto the bus: persistent, mandatory, confirmed, and never longer than 5 seconds."""

import asyncio
from typing import Any

from faststream.rabbit import Channel, RabbitBroker
from pydantic import SecretStr

from common.bus.subscription import exchange
from common.contracts.catalogue import BY_TYPE
from common.db.relay import Publish
from common.observe import trace

TRACEPARENT = "traceparent"
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
    where = f"{exchange_name}:{routing_key}"
    described: trace.Attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": where,
        "messaging.rabbitmq.destination.routing_key": routing_key,
        "messaging.message.id": message_id,
    }
    with trace.span(f"send {where}", "producer", described):
        async with asyncio.timeout(CONFIRM_SECONDS):
            await to.publish(
                body,
                exchange=exchange_name,
                routing_key=routing_key,
                persist=True,
                mandatory=mandatory,
                message_id=message_id,
                headers={**(headers or {}), **_sending()},
                user_id=_user(to),
                content_type="application/cloudevents+json",
            )


def _sending() -> dict[str, Any]:
    """Outside of every trace there is nothing to tell, and the body's own word counts."""
    here = trace.current()
    return {TRACEPARENT: here.traceparent} if here.known else {}


def _user(to: RabbitBroker) -> str | None:
    """Whom RabbitMQ vouches for: it takes no message with the name of another user."""
    connection: Any = to._connection  # noqa: SLF001 - FastStream has no public way to it
    user: str | None = connection and connection.url.user
    return user


def to_events(to: RabbitBroker, service: str) -> Publish:
    """How a service's relay hands over its facts: the envelope's id is the message's."""

    async def send(routing_key: str, body: dict[str, Any]) -> None:
        event = BY_TYPE.get(body["type"])
        with trace.within(trace.start(body.get("traceparent"), body.get("correlationid"))):
            await publish(
                to,
                exchange(service),
                routing_key,
                body,
                message_id=str(body["id"]),
                mandatory=event is None or event.for_us,
            )

    return send
