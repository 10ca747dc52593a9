"""How facts go onto the bus: persistent, routable or refused, and within five seconds."""

import asyncio
import time
from typing import Any

import pytest
from aio_pika.exceptions import ChannelNotFoundEntity, PublishError
from pydantic import SecretStr

from common.bus import topology
from common.bus.publish import CONFIRM_SECONDS, broker, publish
from common.bus.subscription import Queue
from localrun.rabbitmq import RabbitMQ

pytestmark = pytest.mark.anyio
QUEUE = Queue("listener", "plans", (("accounts.events", "PlanChanged.v1"),), ())


async def test_a_message_outlives_the_broker_and_names_its_event(bus: Any) -> None:
    await topology.declare(bus.url, "accounts", (QUEUE,))
    async with broker(bus.url, "accounts") as speaker:
        await publish(speaker, "accounts.events", "PlanChanged.v1", {"a": 1}, message_id="m-1")
    message = await bus.comes(QUEUE.name)
    assert message.delivery_mode == 2
    assert message.message_id == "m-1"
    assert message.content_type == "application/cloudevents+json"
    assert message.body == b'{"a":1}'


async def test_what_reaches_no_queue_is_refused(bus: Any) -> None:
    await topology.declare(bus.url, "accounts", ())
    async with broker(bus.url, "accounts") as speaker:
        with pytest.raises(PublishError, match="NO_ROUTE"):
            await publish(speaker, "accounts.events", "PlanChanged.v1", {}, message_id="m")


async def test_a_missing_exchange_is_refused_and_the_next_publish_goes_well(bus: Any) -> None:
    async with broker(bus.url, "accounts") as speaker:
        with pytest.raises(ChannelNotFoundEntity):
            await publish(speaker, "accounts.events", "PlanChanged.v1", {}, message_id="m-1")
        await topology.declare(bus.url, "accounts", (QUEUE,))
        await publish(speaker, "accounts.events", "PlanChanged.v1", {}, message_id="m-2")
    assert (await bus.comes(QUEUE.name)).message_id == "m-2"


async def test_a_frozen_broker_holds_nobody_longer_than_the_limit(
    private_broker: RabbitMQ,
) -> None:
    url = SecretStr(private_broker.address.url())
    await topology.declare(url, "accounts", (QUEUE,))
    async with broker(url, "accounts") as speaker:
        await publish(speaker, "accounts.events", "PlanChanged.v1", {}, message_id="before")
        private_broker.freeze()
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            await publish(speaker, "accounts.events", "PlanChanged.v1", {}, message_id="frozen")
        assert time.monotonic() - started < CONFIRM_SECONDS + 2
        private_broker.thaw()
        async with asyncio.timeout(60):
            await publish(speaker, "accounts.events", "PlanChanged.v1", {}, message_id="after")
