"""Each service's user on the real broker: its own exchanges out, its own queues in (S1, S2)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPConnectionError, ChannelClosed, ChannelPreconditionFailed
from pydantic import SecretStr

from common.bus import topology
from common.bus.publish import broker, publish
from common.bus.subscription import (
    Queue,
    dead_exchange,
    exchange,
    queues,
    retry_exchange,
)
from common.contracts.catalogue import EVENTS
from localrun.plan import SERVICES
from support.servers import NewVhost, as_service
from support.waiting import eventually

pytestmark = pytest.mark.anyio
RUNGS = (timedelta(milliseconds=100),)
MESSAGE = aio_pika.Message(b"{}", message_id="018f0000-0000-7000-8000-000000000000")


@dataclass(frozen=True)
class User:
    """A service as the broker knows it."""

    service: str
    url: str
    queues: tuple[Queue, ...]

    @property
    def key(self) -> str:
        """The routing key of something that it tells."""
        return next(event.type for event in EVENTS if event.source == self.service)


Users = dict[str, User]


@pytest.fixture(scope="module")
async def users(new_vhost: NewVhost) -> Users:
    """One vhost with all four services."""
    admin = new_vhost()
    made = {}
    for service, package in SERVICES.items():
        subscriptions = import_module(f"{package}.bus.subscriptions").SUBSCRIPTIONS
        own = queues(service, subscriptions, RUNGS)
        await topology.declare(SecretStr(admin), service, own)
        made[service] = User(service, as_service(admin, service), own)
    return made


@asynccontextmanager
async def channel_of(url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel()


async def _declare_queue(channel: AbstractChannel, _me: User, _other: User) -> None:
    await channel.declare_queue("extra")


async def _declare_private_queue(channel: AbstractChannel, _me: User, _other: User) -> None:
    await channel.declare_queue(exclusive=True)


async def _declare_exchange(channel: AbstractChannel, _me: User, _other: User) -> None:
    await channel.declare_exchange("extra")


async def _delete_own_queue(channel: AbstractChannel, me: User, _other: User) -> None:
    await channel.queue_delete(me.queues[0].name)


async def _delete_own_exchange(channel: AbstractChannel, me: User, _other: User) -> None:
    await channel.exchange_delete(exchange(me.service))


async def _bind_own_queue(channel: AbstractChannel, me: User, other: User) -> None:
    queue = await channel.get_queue(me.queues[0].name, ensure=False)
    await queue.bind(exchange(other.service), "#")


async def _consume(channel: AbstractChannel, _me: User, other: User) -> None:
    queue = await channel.get_queue(other.queues[0].name, ensure=False)
    await queue.consume(_ignore)


async def _get_dead(channel: AbstractChannel, _me: User, other: User) -> None:
    queue = await channel.get_queue(other.queues[0].dead, ensure=False)
    await queue.get(fail=False)


async def _purge(channel: AbstractChannel, _me: User, other: User) -> None:
    queue = await channel.get_queue(other.queues[0].name, ensure=False)
    await queue.purge()


async def _tell_as_other(channel: AbstractChannel, _me: User, other: User) -> None:
    to = await channel.get_exchange(exchange(other.service), ensure=False)
    await to.publish(MESSAGE, other.key)


async def _retry_of_other(channel: AbstractChannel, _me: User, other: User) -> None:
    to = await channel.get_exchange(retry_exchange(other.service), ensure=False)
    await to.publish(MESSAGE, other.queues[0].name)


async def _bury_of_other(channel: AbstractChannel, _me: User, other: User) -> None:
    to = await channel.get_exchange(dead_exchange(other.service), ensure=False)
    await to.publish(MESSAGE, other.queues[0].name)


async def _to_any_queue(channel: AbstractChannel, _me: User, other: User) -> None:
    await channel.default_exchange.publish(MESSAGE, other.queues[0].name)


async def _to_own_queue(channel: AbstractChannel, me: User, _other: User) -> None:
    await channel.default_exchange.publish(MESSAGE, me.queues[0].name)


async def _unheard_of(channel: AbstractChannel, me: User, _other: User) -> None:
    to = await channel.get_exchange(exchange(me.service), ensure=False)
    await to.publish(MESSAGE, "NothingWeTell.v1")


async def _ignore(_message: AbstractIncomingMessage) -> None: ...


Attempt = Callable[[AbstractChannel, User, User], Awaitable[None]]
ATTEMPTS: tuple[Attempt, ...] = (
    _declare_queue,
    _declare_private_queue,
    _declare_exchange,
    _delete_own_queue,
    _delete_own_exchange,
    _bind_own_queue,
    _consume,
    _get_dead,
    _purge,
    _tell_as_other,
    _retry_of_other,
    _bury_of_other,
    _to_any_queue,
    _to_own_queue,
    _unheard_of,
)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda one: one.__name__.strip("_"))
async def test_s2_a_service_is_refused_whatever_is_not_its_work(
    users: Users, service: str, attempt: Attempt
) -> None:
    me = users[service]
    other = users["oauth-gateway" if service != "oauth-gateway" else "connections"]
    async with channel_of(me.url) as channel:
        with pytest.raises(ChannelClosed, match="ACCESS_REFUSED"):
            await attempt(channel, me, other)


@pytest.mark.parametrize("service", SERVICES)
async def test_s2_its_own_work_goes_on(users: Users, service: str) -> None:
    """Tell, consume, retry over a rung, bury, and look at what was buried."""
    me = users[service]
    queue = me.queues[0]
    async with channel_of(me.url) as channel:
        to = await channel.get_exchange(exchange(service), ensure=True)
        await to.publish(MESSAGE, me.key, mandatory=False)
        retry = await channel.get_exchange(retry_exchange(service), ensure=False)
        await retry.publish(MESSAGE, f"{queue.name}.retry.100ms")
        own = await channel.declare_queue(queue.name, passive=True)

        async def back() -> AbstractIncomingMessage | None:
            return await own.get(fail=False)

        message = await eventually(back)
        assert message
        dead = await channel.get_exchange(dead_exchange(service), ensure=False)
        await dead.publish(MESSAGE, queue.name)
        await message.ack()
        buried = await (await channel.get_queue(queue.dead, ensure=False)).get()
        assert buried
        await buried.ack()


@pytest.mark.parametrize("service", SERVICES)
async def test_s1_nobody_publishes_in_anothers_name(users: Users, service: str) -> None:
    other = next(user for name, user in users.items() if name != service)
    foreign = aio_pika.Message(b"{}", user_id=urlsplit(other.url).username)
    async with channel_of(users[service].url) as channel:
        to = await channel.get_exchange(exchange(service), ensure=False)
        with pytest.raises(ChannelPreconditionFailed, match="user_id"):
            await to.publish(foreign, users[service].key)


async def test_s1_the_broker_vouches_for_the_sender_of_what_we_publish(users: Users) -> None:
    me = users["publisher"]
    async with broker(SecretStr(me.url), me.service) as bus:
        await publish(bus, dead_exchange(me.service), me.queues[0].name, {}, message_id="m")
    async with channel_of(me.url) as channel:
        message = await (await channel.get_queue(me.queues[0].dead, ensure=False)).get()
        assert message
        await message.ack()
    assert message.user_id == urlsplit(me.url).username


async def test_s2_guest_is_nobody(users: Users) -> None:
    url = urlsplit(users["publisher"].url)
    guest = url._replace(netloc=f"guest:guest@{url.hostname}:{url.port}").geturl()
    with pytest.raises(AMQPConnectionError):
        await aio_pika.connect(guest)
