"""The worker as it runs: events in over RabbitMQ, samples out over RabbitMQ."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus import topology
from common.bus.publish import broker as connect_broker
from common.bus.publish import publish
from common.bus.subscription import exchange, queues
from common.contracts.envelope import Envelope, Event
from common.contracts.words import Platform
from common.ids import new_id
from common.pace import Pace, redis_client
from platforms.pacing import Pacer, PaceSettings
from platforms.registry import adapters
from platforms.settings import PlatformUrls
from stats_collector.bus.subscriptions import SUBSCRIPTIONS
from stats_collector.settings import NAME, Settings
from stats_collector.wiring import PACE_PATIENCE, worker_lifespan
from support.people import JWT_SECRET
from support.servers import NewVhost
from support.stats_lab import Lab, published
from support.token_lender import SECRET

pytestmark = pytest.mark.anyio
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
async def bus_url(new_vhost: NewVhost) -> str:
    """A vhost with the queues of this service, and one queue that hears all it tells."""
    url = new_vhost()
    own = queues(NAME, SUBSCRIPTIONS, Settings.model_fields["bus_retry_delays"].default)
    await topology.declare(SecretStr(url), NAME, own)
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        heard = await channel.declare_queue("heard", durable=True)
        await heard.bind(exchange(NAME), "#")
    return url


@pytest.fixture
async def worker(
    bus_url: str,
    migrated_url: str,
    engine: AsyncEngine,
    redis_url: str,
    urls: PlatformUrls,
    lender_url: str,
) -> AsyncIterator[None]:
    """The real worker in this process."""
    settings = Settings(
        database_url=migrated_url,
        rabbitmq_url=bus_url,
        redis_url=redis_url,
        auth_jwt_secret=JWT_SECRET,
        service_tokens=f"{NAME}={SECRET}",
        oauth_gateway_url=lender_url,
        stats_first_after="1s",
        stats_every="1s",
    )
    redis = redis_client(settings.redis_url)
    gate = Pacer(
        Pace(redis),
        PaceSettings(pace_vk=20, account_pace_vk=20),
        in_line=PACE_PATIENCE,
        aside=PACE_PATIENCE,
    ).gate
    bus = connect_broker(settings.rabbitmq_url, NAME)
    lifespan = worker_lifespan(settings, engine, bus, redis, adapters(urls, gate=gate))
    async with lifespan(FastAPI()):
        yield


async def tell(url: str, event: Event, version: int = 1) -> None:
    """As the service that owns this event would."""
    bus = connect_broker(SecretStr(url), event.source)
    envelope = Envelope(
        id=new_id(),
        source=event.source,
        type=event.type,
        subject=event.subject,
        time=datetime.now(UTC),
        data=event.model_dump(mode="json"),
        traceparent=TRACE,
        aggregateversion=version,
    )
    body = envelope.model_dump(mode="json", exclude_none=True)
    await bus.start()
    await publish(bus, exchange(event.source), event.routing_key, body, message_id=str(envelope.id))
    await bus.stop()


async def heard(url: str, count: int) -> list[dict[str, Any]]:
    """The next facts that the service tells."""
    connection = await aio_pika.connect(url)
    facts: list[dict[str, Any]] = []
    async with connection, asyncio.timeout(30):
        channel = await connection.channel()
        queue = await channel.declare_queue("heard", passive=True)
        async with queue.iterator() as messages:
            async for message in messages:
                facts.append(json.loads(message.body))
                await message.ack()
                if len(facts) == count:
                    break
    return facts


@pytest.mark.usefixtures("worker")
async def test_a_published_post_is_sampled_round_after_round_in_its_own_trace(
    lab: Lab, bus_url: str, clip: bytes
) -> None:
    account = lab.account(Platform.VK)
    event = published(account, await lab.post(account, clip))
    await tell(bus_url, event)
    facts = await heard(bus_url, 2)
    assert [fact["type"] for fact in facts] == ["StatsCollected.v1"] * 2
    assert [fact["aggregateversion"] for fact in facts] == [1, 2]
    assert {fact["subject"] for fact in facts} == {str(event.publication_id)}
    assert {fact["traceparent"].split("-")[1] for fact in facts} == {TRACE.split("-")[1]}
    first, second = (fact["data"]["views"] for fact in facts)
    assert 0 <= first <= second


@pytest.mark.usefixtures("worker")
async def test_telegram_is_answered_over_the_bus_without_asking_anybody(
    lab: Lab, bus_url: str
) -> None:
    await tell(bus_url, published(lab.account(Platform.TELEGRAM), "7"))
    [fact] = await heard(bus_url, 1)
    assert fact["data"]["reason"] == "no_statistics"
    assert fact["data"]["views"] is None
    assert [one for one in lab.sandbox.journal() if one["platform"] == "telegram"] == []
