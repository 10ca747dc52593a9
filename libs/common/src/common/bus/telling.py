"""How a service's relay hands its facts to the broker: a batch in one write, within one limit."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiormq import Channel
from faststream.rabbit import RabbitBroker

from common.bus.batch import Batch, Confirmed
from common.bus.publish import (
    CONFIRM_SECONDS,
    CONTENT_TYPE,
    connection_of,
    sending,
    told_of_sending,
    user_of,
)
from common.bus.subscription import exchange
from common.contracts.catalogue import BY_TYPE
from common.db.relay import Fact
from common.observe import trace

PERSISTENT = 2


@dataclass(slots=True)
class Telling:
    """The facts of one service; the id of a fact is that of its message.

    They go by a channel of their own: whatever closes it takes no other sender along (stack.md C7).
    """

    to: RabbitBroker
    service: str
    _channel: Any = None
    _connection: Any = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, facts: Sequence[Fact]) -> Sequence[BaseException | None]:
        """Answers for each what went wrong: None once the broker has it, TimeoutError when nobody
        knows whether it does."""
        confirmed: list[Confirmed] = []
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                batch = Batch(await self._open())
                common = self._common()
                add = self._add_shown if trace.recording() else self._add
                confirmed += (add(batch, fact, common) for fact in facts)
                await asyncio.sleep(0)  # those that are shown as spans begin now
                await batch.write(self._turn)
                await asyncio.wait(confirmed)
        except Exception as error:  # noqa: BLE001 - whatever it was, the rows are still there
            return [_fault(one, error) for one in confirmed] or [error] * len(facts)
        finally:
            for one in confirmed:
                one.cancel()
        return [_outcome(one) for one in confirmed]

    async def _open(self) -> Channel:
        async with self._opening:
            connection = connection_of(self.to)
            if connection is None:
                raise ConnectionError
            if connection is not self._connection:
                self._channel = await connection.channel(
                    publisher_confirms=True, on_return_raises=True
                )
                self._connection = connection
        channel: Channel = await self._channel.get_underlay_channel()
        return channel

    def _common(self) -> dict[str, Any]:
        """The properties that all of them have."""
        return {
            "app_id": self.service,
            "content_type": CONTENT_TYPE,
            "delivery_mode": PERSISTENT,
            "timestamp": datetime.now(UTC),
            "user_id": user_of(self.to),
        }

    def _add(self, batch: Batch, fact: Fact, common: dict[str, Any]) -> Confirmed:
        with trace.within(trace.start(fact.traceparent, fact.correlation_id)):
            return self._put(batch, fact, common)

    def _add_shown(self, batch: Batch, fact: Fact, common: dict[str, Any]) -> Confirmed:
        return asyncio.create_task(self._shown(batch, fact, common))

    async def _shown(self, batch: Batch, fact: Fact, common: dict[str, Any]) -> None:
        here = trace.start(fact.traceparent, fact.correlation_id)
        where = exchange(self.service)
        with trace.within(here), sending(where, fact.routing_key, str(fact.id)):
            await self._put(batch, fact, common)

    def _put(self, batch: Batch, fact: Fact, common: dict[str, Any]) -> Confirmed:
        event = BY_TYPE.get(fact.type)
        headers = {"headers": told_of_sending(), "message_id": str(fact.id)}
        try:
            return batch.add(
                exchange(self.service),
                fact.routing_key,
                fact.body.encode(),
                common | headers,
                mandatory=event is None or event.for_us,
            )
        except Exception as error:  # noqa: BLE001 - what can't be said holds up nobody else
            unsaid: Confirmed = asyncio.get_running_loop().create_future()
            unsaid.set_exception(error)
            return unsaid


def _outcome(one: Confirmed) -> BaseException | None:
    """aiormq may give up a connection with a CancelledError, which ends a task as cancelled."""
    return ConnectionError("given up") if one.cancelled() else one.exception()


def _fault(one: Confirmed, error: Exception) -> BaseException | None:
    """Its own, if it has come to an end, or that of the batch."""
    return one.exception() if one.done() and not one.cancelled() else error
