"""The clock and a worker as they run: facts in and out over RabbitMQ, uploads that survive it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractQueue
from faststream.rabbit import RabbitBroker
from pydantic import SecretStr

from common.bus.publish import broker, publish
from common.bus.subscription import exchange
from common.contracts.connections import PlatformConnected
from common.contracts.envelope import Envelope
from common.contracts.words import Platform
from common.ids import new_id
from servers import Servers
from support.processes import process
from support.servers import NewVhost, truncate
from support.serving import serving
from support.waiting import eventually

from .neighbours import Neighbours
from .person import Person
from .running import new_bus, process_settings

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def bus_url(new_vhost: NewVhost) -> str:
    return await new_bus(new_vhost)


@pytest.fixture(scope="module")
async def neighbours() -> AsyncIterator[tuple[Neighbours, str]]:
    found = Neighbours()
    async with serving(found.app()) as url:
        yield found, url


@pytest.fixture(scope="module")
def settings(
    bus_url: str,
    neighbours: tuple[Neighbours, str],
    settings_values: dict[str, Any],
) -> dict[str, str]:
    """Short leases, so that a heartbeat matters; and nobody has to wait for a turn."""
    _, url = neighbours
    return {
        **process_settings(settings_values, bus_url, url),
        "LEASE": "3s",
        "QUARANTINE": "1s",
    }


@pytest.fixture(scope="module")
async def nothing_due(database_url: str) -> None:
    """These processes take whatever is there."""
    await truncate(database_url, "publications", "timeline", "outbox", "pauses")


@pytest.fixture(scope="module")
def worker(settings: dict[str, str], nothing_due: None) -> Iterator[str]:
    assert nothing_due is None
    with process("publisher", "worker", "--platform", "telegram", settings=settings) as url:
        yield url


@pytest.fixture(scope="module", autouse=True)
def clock(settings: dict[str, str], nothing_due: None) -> Iterator[None]:
    assert nothing_due is None
    with process("publisher", "clock", settings=settings):
        yield


@pytest.fixture
async def telegram(neighbours: tuple[Neighbours, str]) -> Neighbours:
    """Telegram, with quick answers."""
    found, _ = neighbours
    found.go.set()
    return found


@pytest.fixture
async def speaker(bus_url: str) -> AsyncIterator[RabbitBroker]:
    async with broker(SecretStr(bus_url), "connections") as found:
        yield found


class Ears:
    """Hears all that publisher tells."""

    def __init__(self, queue: AbstractQueue) -> None:
        self._queue = queue
        self._facts: list[dict[str, Any]] = []

    async def told(self, publication: dict[str, Any]) -> list[dict[str, Any]]:
        """The facts about it that came so far."""
        while message := await self._queue.get(no_ack=True, fail=False):
            self._facts.append(json.loads(message.body))
        return [fact for fact in self._facts if fact["subject"] == publication["id"]]

    async def end_of(self, publication: dict[str, Any]) -> list[dict[str, Any]]:
        """The facts about it, when one of them tells its end."""

        async def ended() -> list[dict[str, Any]]:
            facts = await self.told(publication)
            calls = [fact["type"] == "PublicationRequested.v1" for fact in facts]
            return [] if all(calls) else facts

        return await eventually(ended)


@pytest.fixture
async def heard(bus_url: str) -> AsyncIterator[Ears]:
    async with await aio_pika.connect(bus_url) as connection:
        channel = await connection.channel()
        yield Ears(await channel.declare_queue("heard", passive=True))


async def connected(me: Person, speaker: RabbitBroker) -> tuple[dict[str, Any], str]:
    """Have an account connected, as connections tells it; the target that names it, its chat."""
    fact = PlatformConnected(
        connection_id=new_id(),
        user_id=me.user,
        platform=Platform.TELEGRAM,
        account_id=str(-(new_id().int % 10**12)),
        account_name="Channel",
    )
    envelope = Envelope(
        id=new_id(),
        source=fact.source,
        type=fact.type,
        subject=fact.subject,
        time=datetime.now(UTC),
        data=fact.model_dump(mode="json"),
        aggregateversion=1,
    )
    await publish(
        speaker,
        exchange("connections"),
        fact.routing_key,
        envelope.model_dump(mode="json", exclude_none=True),
        message_id=str(envelope.id),
    )
    return {"connection_id": str(fact.connection_id)}, fact.account_id


async def becomes(me: Person, publication: dict[str, Any], status: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found = await me.get(publication)
        return found if found["status"] == status else None

    found = await eventually(look, seconds=30)
    assert found is not None
    return found


async def test_from_the_request_to_the_post_over_the_bus(
    me: Person, speaker: RabbitBroker, heard: Ears, telegram: Neighbours, worker: str
) -> None:
    assert worker
    target, chat = await connected(me, speaker)
    found = await me.one(targets=[target])
    done = await becomes(me, found, "published")
    assert done["url"].startswith("https://t.me/channel/")
    assert telegram.posts.count(chat) == 1
    facts = await heard.end_of(found)
    assert facts[-1]["type"] == "PublicationPublished.v1"
    assert facts[-1]["data"]["post_id"] == done["post_id"]
    assert len({fact["traceparent"].split("-")[1] for fact in facts}) == 1


async def test_a_worker_whose_connection_is_closed_in_the_middle_of_an_upload_finishes_once(
    me: Person,
    speaker: RabbitBroker,
    heard: Ears,
    telegram: Neighbours,
    servers: Servers,
    worker: str,
) -> None:
    telegram.go.clear()
    (target, chat), (second, other_chat) = [await connected(me, speaker) for _ in range(2)]
    found = await me.one(targets=[target])

    async def taken(one: str) -> bool:
        return one in telegram.posts

    await eventually(partial(taken, chat), seconds=30)
    await _cut_consumers(servers, "publisher.publish.telegram")
    other = await me.one(targets=[second])
    await eventually(partial(taken, other_chat), seconds=40)
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{worker}/readyz")).json()["ready"] is True
    telegram.go.set()
    for one in (found, other):
        assert (await becomes(me, one, "published"))["attempt"] == 1
        ends = [fact["type"] for fact in await heard.end_of(one)]
        assert ends.count("PublicationPublished.v1") == 1
    assert [telegram.posts.count(one) for one in (chat, other_chat)] == [1, 1]


async def _cut_consumers(servers: Servers, queue: str) -> None:
    """Close the connections that consume from a queue, as an operator or a fault would."""

    async def consumers() -> list[str]:
        _, found = await asyncio.to_thread(servers.rabbitmq.api, "GET", "/api/consumers")
        return [
            one["channel_details"]["connection_name"]
            for one in found
            if one["queue"]["name"] == queue and one["channel_details"]
        ]

    for name in await eventually(consumers, seconds=30):
        path = f"/api/connections/{quote(name)}"
        status, _ = await asyncio.to_thread(servers.rabbitmq.api, "DELETE", path)
        assert status == 204
