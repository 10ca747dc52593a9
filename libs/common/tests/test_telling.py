"""How a relay's facts go onto the bus: many in one write, each with an answer of its own."""

import asyncio
import time
from typing import Any

import pytest
from aio_pika.exceptions import ChannelNotFoundEntity, PublishError
from pydantic import SecretStr

from common.bus import topology
from common.bus.batch import Batch
from common.bus.publish import CONFIRM_SECONDS, broker
from common.bus.subscription import Queue
from common.bus.telling import Telling
from common.db.relay import Fact
from common.ids import new_id
from common.observe import trace
from localrun.rabbitmq import RabbitMQ
from support.waiting import eventually

pytestmark = pytest.mark.anyio
QUEUE = Queue("listener", "plans", (("accounts.events", "PlanChanged.v1"),), ())
PARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"


def said(
    body: str = "{}", key: str = "PlanChanged.v1", traceparent: str | None = None, kind: str = ""
) -> Fact:
    return Fact(new_id(), key, body, kind or key, traceparent, None)


async def _goes_well(tell: Telling, seconds: float) -> None:
    async def told() -> bool:
        return await tell([said()]) == [None]

    await eventually(told, seconds=seconds)


async def test_a_batch_arrives_in_order_as_it_was_written_down(bus: Any) -> None:
    await topology.declare(bus.url, "accounts", (QUEUE,))
    facts = [said(f'{{"n": {number}, "text": "ёж"}}') for number in range(50)]
    async with broker(bus.url, "accounts") as speaker:
        assert await Telling(speaker, "accounts")(facts) == [None] * 50
    for fact in facts:
        message = await bus.comes(QUEUE.name)
        assert message.message_id == str(fact.id)
        assert message.body.decode() == fact.body
        assert message.delivery_mode == 2
        assert message.content_type == "application/cloudevents+json"
        assert message.app_id == "accounts"
        assert message.timestamp is not None


async def test_a_body_longer_than_a_frame_arrives_whole(bus: Any) -> None:
    await topology.declare(bus.url, "accounts", (QUEUE,))
    long = said("x" * 300_000)
    async with broker(bus.url, "accounts") as speaker:
        assert await Telling(speaker, "accounts")([long, said()]) == [None, None]
    assert (await bus.comes(QUEUE.name)).body.decode() == long.body
    assert (await bus.comes(QUEUE.name)).body == b"{}"


async def test_only_what_is_for_the_world_outside_may_reach_nobody(bus: Any) -> None:
    await topology.declare(bus.url, "publisher", ())
    told = [said(key=f"Publication{end}.v1") for end in ("Failed", "Published", "Failed")]
    async with broker(bus.url, "publisher") as speaker:
        first, refused, last = await Telling(speaker, "publisher")(told)
    assert (first, last) == (None, None)
    assert isinstance(refused, PublishError)


async def test_what_cannot_be_said_holds_up_nobody_else(bus: Any) -> None:
    await topology.declare(bus.url, "accounts", (QUEUE,))
    async with broker(bus.url, "accounts") as speaker:
        tell = Telling(speaker, "accounts")
        before, refused, after = await tell([said(), said(key="k" * 300), said()])
        assert (before, after) == (None, None)
        assert isinstance(refused, TypeError)
        assert await tell([said()]) == [None]
    assert await bus.depth(QUEUE.name) == 3


async def test_a_missing_exchange_is_refused_and_the_next_batch_goes_well(bus: Any) -> None:
    async with broker(bus.url, "accounts") as speaker:
        tell = Telling(speaker, "accounts")
        faults = await tell([said(), said()])
        assert {type(fault) for fault in faults} == {ChannelNotFoundEntity}
        await topology.declare(bus.url, "accounts", (QUEUE,))
        await _goes_well(tell, 10)
    assert await bus.depth(QUEUE.name) == 1


async def test_batches_at_once_are_confirmed_each_for_itself(bus: Any) -> None:
    await topology.declare(bus.url, "accounts", (QUEUE,))
    async with broker(bus.url, "accounts") as speaker:
        tell = Telling(speaker, "accounts")
        batches = [[said(), said(key="Nobody.v1"), said()] for _ in range(20)]
        for faults in await asyncio.gather(*map(tell, batches)):
            assert [type(fault) for fault in faults] == [type(None), PublishError, type(None)]
    assert await bus.depth(QUEUE.name) == 40


async def test_whoever_hears_it_is_told_of_which_trace_it_is(bus: Any) -> None:
    await topology.declare(bus.url, "accounts", (QUEUE,))
    async with broker(bus.url, "accounts") as speaker:
        await Telling(speaker, "accounts")([said(traceparent=PARENT), said()])
    assert trace.recording() is False
    assert (await bus.comes(QUEUE.name)).headers["traceparent"] == PARENT
    assert "traceparent" not in (await bus.comes(QUEUE.name)).headers


@pytest.mark.parametrize("shown", [False, True])
async def test_a_connection_that_was_given_up_is_a_fault_and_no_end_of_ours(
    bus: Any, monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    """aiormq ends what waits for a confirmation with a CancelledError then."""

    async def gives_up(batch: Batch, _turn: asyncio.Lock) -> None:
        for _, confirmed in batch._waiting:
            confirmed.set_exception(asyncio.CancelledError())

    monkeypatch.setattr(Batch, "write", gives_up)
    monkeypatch.setattr(trace, "recording", lambda: shown)
    await topology.declare(bus.url, "accounts", (QUEUE,))
    async with broker(bus.url, "accounts") as speaker:
        faults = await Telling(speaker, "accounts")([said(), said()])
    assert len(faults) == 2
    assert None not in faults


async def test_a_frozen_broker_holds_a_batch_no_longer_than_the_limit(
    private_broker: RabbitMQ,
) -> None:
    url = SecretStr(private_broker.address.url())
    await topology.declare(url, "accounts", (QUEUE,))
    async with broker(url, "accounts") as speaker:
        tell = Telling(speaker, "accounts")
        assert await tell([said()]) == [None]
        private_broker.freeze()
        started = time.monotonic()
        faults = await asyncio.gather(tell([said(), said()]), tell([said()]))
        assert time.monotonic() - started < CONFIRM_SECONDS + 2
        assert {type(fault) for batch in faults for fault in batch} == {TimeoutError}
        private_broker.thaw()
        await _goes_well(tell, 60)


async def test_behind_a_broker_that_reads_no_more_nothing_piles_up(
    private_broker: RabbitMQ,
) -> None:
    """Its memory alarm looks like that from here."""
    url = SecretStr(private_broker.address.url())
    await topology.declare(url, "accounts", (QUEUE,))
    async with broker(url, "accounts") as speaker:
        tell = Telling(speaker, "accounts")
        assert await tell([said()]) == [None]
        channel = await tell._channel.get_underlay_channel()
        private_broker.freeze()
        big = [said("x" * 100_000) for _ in range(100)]
        for _ in range(2):
            assert {type(fault) for fault in await tell(big)} == {TimeoutError}
        assert channel.delivery_tag == 101, (
            "the second batch waited for the first and was never written"
        )
        private_broker.thaw()
        await _goes_well(tell, 60)
