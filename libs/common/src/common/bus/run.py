"""Consumes a service's queues: reads the envelope, runs the handler, retries or buries it."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.schemas import QueueType
from pydantic import ValidationError

from common.bus.publish import TRACEPARENT, publish
from common.bus.subscription import (
    Dead,
    Done,
    Heard,
    Outcome,
    Queue,
    Reaction,
    Subscription,
    Work,
    Worker,
    dead_exchange,
    retry_exchange,
)
from common.contracts.catalogue import UnknownEvent, read
from common.contracts.envelope import Envelope
from common.db.unit_of_work import UnitOfWork
from common.durations import show
from common.failpoint import failpoint
from common.observe import logs, metrics, trace

ATTEMPT = "x-attempt"
Transaction = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came; `apply_types=False` hands it to the handler untouched."""

    body: bytes
    message_id: str
    attempt: int
    source: str
    """The exchange and routing key by which it came."""
    traceparent: str | None
    """The sending of it; None when the sender does not trace."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """One queue at work."""

    broker: RabbitBroker
    queue: Queue
    subscriptions: Mapping[str, Subscription]
    transaction: Transaction
    work: Worker | None = None

    async def __call__(self, delivery: Delivery) -> None:
        """Never raises for a message's own fault: retry and dead-lettering are publishes.

        When even those fail this raises, and the queue's own dead-letter exchange catches it.
        """
        try:
            envelope = Envelope.model_validate_json(delivery.body)
            fact = read(envelope)
        except UnknownEvent:
            # An event or version of a newer build: nobody here is meant to hear it yet.
            return await self._bury(delivery, "unknown_event")
        except (ValidationError, ValueError) as error:
            return await self._bury(delivery, type(error).__name__, keep_body=False)
        sent = delivery.traceparent or envelope.traceparent
        here = trace.start(sent, envelope.correlationid, str(envelope.id))
        with trace.within(here), self._span(delivery, envelope) as span:
            heard = Heard(fact, envelope.aggregateversion, envelope.id)
            try:
                outcome = await self._handle(envelope.type, heard)
            except Exception as error:  # noqa: BLE001 - any fault of a handler climbs the rungs
                span.fail(type(error).__name__)
                return await self._retry(delivery, error)
            match outcome:
                case Done():
                    metrics.MESSAGES.labels(self.queue.name, "done").inc()
                case Dead(why):
                    span.fail(why)
                    await self._bury(delivery, why)
        return None

    def _span(self, delivery: Delivery, envelope: Envelope) -> AbstractContextManager[trace.Span]:
        described: trace.Attributes = {
            "messaging.system": "rabbitmq",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": f"{delivery.source}:{self.queue.name}",
            "messaging.message.id": delivery.message_id,
            "messaging.message.body.size": len(delivery.body),
            "cloudevents.event_id": str(envelope.id),
            "cloudevents.event_source": envelope.source,
            "cloudevents.event_type": envelope.type,
            "clipcast.attempt": delivery.attempt,
        }
        return trace.span(f"process {self.queue.name}", "consumer", described)

    async def _handle(self, kind: str, heard: Heard) -> Outcome:
        subscription = self.subscriptions.get(kind)
        match subscription:
            case Reaction():
                async with self.transaction() as uow:
                    consumer = f"{self.queue.name}/{kind}"
                    if await uow.first_time(consumer, heard.message_id):
                        await subscription.handle(uow, heard)
                failpoint("bus.reacted")
                return Done()
            case Work() if self.work:
                return await self.work(heard)
            case _:
                return Dead("not_subscribed")

    async def _retry(self, delivery: Delivery, error: Exception) -> None:
        if delivery.attempt >= len(self.queue.rungs):
            await self._bury(delivery, type(error).__name__)
            return
        delay = self.queue.rungs[delivery.attempt]
        log.warning(
            "message_retry",
            queue=self.queue.name,
            attempt=delivery.attempt + 1,
            error=type(error).__name__,
            after=show(delay),
        )
        failpoint("bus.retrying")
        await publish(
            self.broker,
            retry_exchange(self.queue.service),
            self.queue.rung(delay),
            delivery.body,
            message_id=delivery.message_id,
            headers={ATTEMPT: delivery.attempt + 1},
        )
        failpoint("bus.retried")
        metrics.MESSAGES.labels(self.queue.name, "retried").inc()

    async def _bury(self, delivery: Delivery, why: str, *, keep_body: bool = True) -> None:
        """An unreadable body may hold anything, so only its size and hash are kept."""
        log.error(
            "message_dead",
            queue=self.queue.name,
            message_id=delivery.message_id,
            why=why,
            attempt=delivery.attempt,
        )
        failpoint("bus.burying")
        await publish(
            self.broker,
            dead_exchange(self.queue.service),
            self.queue.name,
            delivery.body if keep_body else b"{}",
            message_id=delivery.message_id,
            headers={
                "x-why": why,
                "x-handler": self.queue.name,
                ATTEMPT: delivery.attempt,
                "x-body-bytes": len(delivery.body),
                "x-body-sha256": sha256(delivery.body).hexdigest(),
            },
        )
        metrics.MESSAGES.labels(self.queue.name, "dead").inc()


def attach(
    broker: RabbitBroker,
    queues: Sequence[Queue],
    subscriptions: Sequence[Subscription],
    transaction: Transaction,
    work: Worker | None = None,
) -> None:
    """Subscribe to each queue on a channel of its own, so that its prefetch holds (C4, C5)."""
    for queue in queues:
        mine = {one.event.type: one for one in subscriptions if one.purpose == queue.purpose}
        consumer = Consumer(broker, queue, mine, transaction, work)
        metrics.tell_from_zero(queue.name)
        subscriber = broker.subscriber(
            RabbitQueue(queue.name, queue_type=QueueType.QUORUM, durable=True, declare=False),
            channel=Channel(prefetch_count=queue.prefetch),
            ack_policy=AckPolicy.REJECT_ON_ERROR,
            decoder=_delivery,
            no_reply=True,  # a sender's reply_to must not make us publish (C14)
        )
        subscriber(consumer.__call__)


async def _delivery(message: Any) -> Delivery:  # noqa: ANN401 - FastStream's StreamMessage
    attempt, sent = message.headers.get(ATTEMPT, 0), message.headers.get(TRACEPARENT)
    raw = message.raw_message
    return Delivery(
        bytes(message.body),
        str(message.message_id),
        attempt if isinstance(attempt, int) and attempt >= 0 else 0,
        f"{raw.exchange}:{raw.routing_key}",
        sent if isinstance(sent, str) else None,
    )


def as_json(body: Mapping[str, Any]) -> bytes:
    """The envelope's bytes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
