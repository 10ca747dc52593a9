"""What a service listens to, as data: event → function → queue → retry."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from common.contracts.envelope import Event
from common.contracts.words import Platform
from common.durations import show


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, read: the fact and where it stands in its aggregate's life."""

    event: Any
    version: int
    message_id: UUID


@dataclass(frozen=True, slots=True)
class Done:
    """Handled; acknowledge."""


@dataclass(frozen=True, slots=True)
class Dead:
    """Can never be handled: to the dead-letter queue, with the reason and without content."""

    why: str


Outcome = Done | Dead
Handler = Callable[[Any, Heard], Awaitable[None]]
Worker = Callable[[Heard], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Reaction:
    """Event → one transaction (inbox row, rows, outbox rows). No network inside.

    `handle(uow, heard)` gets an open unit of work; it is committed when it returns.
    """

    event: type[Event]
    purpose: str
    handle: Handler


@dataclass(frozen=True, slots=True)
class Work:
    """Event → claim → remote → record, in its own steps. The claim makes twins harmless."""

    event: type[Event]
    purpose: str
    platform: Platform | None = None


Subscription = Reaction | Work


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue of a service with its retry rungs and its dead-letter queue."""

    service: str
    purpose: str
    bindings: tuple[tuple[str, str], ...]
    """(exchange, routing key) pairs."""
    rungs: tuple[timedelta, ...]
    prefetch: int = 16

    @property
    def name(self) -> str:
        """`<service>.<purpose>`."""
        return f"{self.service}.{self.purpose}"

    def rung(self, delay: timedelta) -> str:
        """The queue in which a message waits so long for its next attempt."""
        return f"{self.name}.retry.{show(delay)}"

    @property
    def dead(self) -> str:
        """Where messages end that can't be handled."""
        return f"{self.name}.dead"


def exchange(service: str) -> str:
    """The topic exchange on which a service tells its facts."""
    return f"{service}.events"


def retry_exchange(service: str) -> str:
    """Takes messages to a retry rung, and back to their queue when their time is up."""
    return f"{service}.retry"


def dead_exchange(service: str) -> str:
    """Takes messages to their dead-letter queue."""
    return f"{service}.dead"


def binding(subscription: Subscription) -> tuple[str, str]:
    """The exchange and routing key that a subscription listens to."""
    event = subscription.event
    key = event.type
    if isinstance(subscription, Work) and subscription.platform:
        key = f"{key}.{subscription.platform}"
    return exchange(event.source), key


def queues(
    service: str, subscriptions: tuple[Subscription, ...], rungs: tuple[timedelta, ...]
) -> tuple[Queue, ...]:
    """Subscriptions with the same purpose share a queue, so they keep their order."""
    purposes = dict.fromkeys(subscription.purpose for subscription in subscriptions)
    return tuple(
        Queue(
            service,
            purpose,
            tuple(binding(one) for one in subscriptions if one.purpose == purpose),
            rungs,
        )
        for purpose in purposes
    )
