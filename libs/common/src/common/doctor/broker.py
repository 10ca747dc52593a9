"""Whether RabbitMQ is there with every exchange and queue, somebody listens, and nothing died."""

from collections.abc import AsyncIterator, Sequence

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, ExchangeType
from aio_pika.exceptions import ChannelClosed, ChannelNotFoundEntity, ChannelPreconditionFailed

from common.bus.subscription import (
    Queue,
    Subscription,
    dead_exchange,
    exchange,
    queues,
    retry_exchange,
)
from common.doctor.finding import Check, Finding
from common.doctor.management import asked
from common.settings import Settings


def check(package: str, service: str, subscriptions: tuple[Subscription, ...]) -> Check[Settings]:
    """The lines about a service's share of the broker."""
    topology = f"python -m {package} topology"

    async def ask(settings: Settings) -> AsyncIterator[Finding]:
        own = queues(service, subscriptions, settings.bus_retry_delays)
        async with await aio_pika.connect(settings.rabbitmq_url.get_secret_value()) as connection:
            yield Finding("broker", True, f"RabbitMQ {_version(connection)}, and the vhost is open")
            look = _Look(connection)
            yield await _exchanges(look, service, own, topology)
            yield await _queues(look, own, topology)
            yield _consumers(look, own)
            yield _dead(look, own, package)
            yield await _configures(connection, service, topology)
        async for finding in asked(settings, service, own, topology):
            yield finding

    mend = "RABBITMQ_URL: is the server up, are host, vhost, user and password right?"
    return Check("broker", ask, ("rabbitmq_url", "bus_retry_delays"), mend)


class _Look:
    """Passive declares: they need no right and change nothing."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None
        self.seen: dict[str, tuple[int, int]] = {}
        """Ready messages and consumers of each queue that is there."""

    async def queue(self, name: str) -> bool:
        channel = await self._open()
        try:
            told = (await channel.declare_queue(name, passive=True)).declaration_result
        except ChannelNotFoundEntity:
            return False
        self.seen[name] = (told.message_count or 0, told.consumer_count or 0)
        return True

    async def exchange(self, name: str) -> bool:
        channel = await self._open()
        try:
            await channel.get_exchange(name, ensure=True)
        except ChannelNotFoundEntity:
            return False
        return True

    async def _open(self) -> AbstractChannel:
        if self._channel is None or self._channel.is_closed:  # what is not there closes it
            self._channel = await self._connection.channel()
        return self._channel


def _version(connection: AbstractConnection) -> str:
    told = connection.transport and connection.transport.connection.server_properties
    return str((told or {}).get("version", "of an unknown version"))


async def _exchanges(look: _Look, service: str, own: Sequence[Queue], mend: str) -> Finding:
    sources = [source for queue in own for source, _ in queue.bindings]
    mine = [exchange(service), retry_exchange(service), dead_exchange(service)]
    names = list(dict.fromkeys([*mine, *sources]))
    missing = [name for name in names if not await look.exchange(name)]
    return _complete("exchanges", len(names), missing, mend)


async def _queues(look: _Look, own: Sequence[Queue], mend: str) -> Finding:
    names = [
        name
        for queue in own
        for name in (
            queue.name,
            *(queue.rung(delay) for delay in queue.rungs),
            queue.dead,
        )
    ]
    missing = [name for name in names if not await look.queue(name)]
    return _complete("queues", len(names), missing, mend)


def _complete(name: str, count: int, missing: Sequence[str], mend: str) -> Finding:
    detail = f"missing: {', '.join(missing)}" if missing else f"all {count} are there"
    return Finding(name, not missing, detail, mend)


def _consumers(look: _Look, own: Sequence[Queue]) -> Finding:
    there = [queue.name for queue in own if queue.name in look.seen]
    idle = [name for name in there if look.seen[name][1] == 0]
    if there and idle == there:
        return Finding("consumers", None, "none yet: no worker of this service runs")
    if not idle:
        return Finding("consumers", True, f"each of {len(there)} queues has one")
    mend = "start the process that listens to it; its log tells why it ended"
    return Finding("consumers", False, f"nobody listens to {', '.join(idle)}", mend)


def _dead(look: _Look, own: Sequence[Queue], package: str) -> Finding:
    found = [f"{look.seen[one.dead][0]} in {one.dead}" for one in own if _holds(look, one.dead)]
    mend = f"python -m {package} dead list"
    return Finding("dead letters", not found, ", ".join(found) or "none", mend)


def _holds(look: _Look, name: str) -> bool:
    return look.seen.get(name, (0, 0))[0] > 0


async def _configures(connection: AbstractConnection, service: str, mend: str) -> Finding:
    """The own exchange, declared once more exactly as it is: refused, or nothing changes."""
    advice = f"{mend}, with RABBITMQ_ADMIN_URL and RABBITMQ_MANAGEMENT_URL: it gives the rights"
    name = exchange(service)
    if not await _Look(connection).exchange(name):
        return Finding("broker rights", None, f"not asked: {name} is missing", mend)
    channel = await connection.channel()
    try:
        await channel.declare_exchange(name, ExchangeType.TOPIC, durable=True)
    except ChannelPreconditionFailed:  # there in another form, which only who may declare is told
        pass
    except ChannelClosed:
        return Finding("broker rights", True, "the user may declare nothing")
    return Finding("broker rights", False, "the user may declare and delete", advice)
