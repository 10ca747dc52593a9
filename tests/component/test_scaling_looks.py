"""What scales the publishers may look at their queues and no more (deploy/kubernetes/keda)."""

import secrets
from collections.abc import AsyncIterator
from urllib.parse import quote, urlsplit

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelClosed
from pydantic import SecretStr

from common.bus import topology
from common.bus.subscription import queues
from localrun.addresses import Addresses
from publisher.bus.subscriptions import SUBSCRIPTIONS
from support.servers import NewVhost

pytestmark = pytest.mark.anyio
QUEUE = "publisher.publish.vk"
NOTHING = {"configure": "^$", "write": "^$", "read": "^$"}


@pytest.fixture
async def looking(new_vhost: NewVhost, addresses: Addresses) -> AsyncIterator[AbstractChannel]:
    """The channel of a user who is let into the vhost, without any right there."""
    admin = new_vhost()
    await topology.declare(SecretStr(admin), "publisher", queues("publisher", SUBSCRIPTIONS, ()))
    boss = urlsplit(admin)
    user, password = f"keda-{secrets.token_hex(4)}", secrets.token_hex(16)
    place = f"{quote(boss.path[1:], safe='')}/{user}"
    async with httpx.AsyncClient(
        base_url=f"{addresses.rabbitmq.admin_url}/api",
        auth=(boss.username or "", boss.password or ""),
        trust_env=False,
    ) as management:
        made = await management.put(f"/users/{user}", json={"password": password, "tags": ""})
        made.raise_for_status()
        (await management.put(f"/permissions/{place}", json=NOTHING)).raise_for_status()
        url = boss._replace(netloc=f"{user}:{password}@{boss.hostname}:{boss.port}").geturl()
        async with await aio_pika.connect(url) as connection:
            yield await connection.channel()
        (await management.delete(f"/users/{user}")).raise_for_status()


async def test_it_sees_how_many_calls_wait(looking: AbstractChannel) -> None:
    queue = await looking.declare_queue(QUEUE, passive=True)
    assert queue.declaration_result.message_count == 0


async def test_s2_it_can_not_read_them(looking: AbstractChannel) -> None:
    queue = await looking.declare_queue(QUEUE, passive=True)
    with pytest.raises(ChannelClosed, match="ACCESS_REFUSED"):
        await queue.get(fail=False)


async def test_s2_it_can_not_empty_them(looking: AbstractChannel) -> None:
    queue = await looking.declare_queue(QUEUE, passive=True)
    with pytest.raises(ChannelClosed, match="ACCESS_REFUSED"):
        await queue.purge()


async def test_s2_it_can_not_add_to_them(looking: AbstractChannel) -> None:
    exchange = await looking.get_exchange("publisher.events")
    with pytest.raises(ChannelClosed, match="ACCESS_REFUSED"):
        await exchange.publish(aio_pika.Message(b"{}"), routing_key="PublicationRequested.v1.vk")
