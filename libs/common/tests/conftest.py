"""One small service for tests of the bus and the outbox: real queues, real rows, own handlers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from pydantic import SecretStr
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus import topology
from common.bus.publish import broker
from common.bus.run import attach
from common.bus.subscription import Heard, Queue, Reaction, queues
from common.contracts.accounts import PlanChanged
from common.contracts.envelope import Envelope
from common.db.engine import connect
from common.db.unit_of_work import OUTBOX, UnitOfWork
from common.ids import new_id
from localrun.addresses import Addresses
from localrun.install import provide
from localrun.rabbitmq import RabbitMQ
from support.servers import NewDatabase, NewVhost
from support.waiting import eventually

SERVICE = "listener"
RUNGS = (timedelta(milliseconds=50), timedelta(milliseconds=100))
Handle = Callable[[UnitOfWork, Heard], Awaitable[None]]


@pytest.fixture(scope="session")
def database_url(new_database: NewDatabase) -> str:
    return new_database("common", None)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A database with empty outbox, inbox and answers."""
    opened = connect(SecretStr(database_url), "test", size=25)
    async with opened.begin() as connection:
        await connection.run_sync(OUTBOX.metadata.create_all)
        await connection.execute(text("TRUNCATE outbox, inbox, answers"))
    yield opened
    await opened.dispose()


@pytest.fixture
def transaction(engine: AsyncEngine) -> Callable[[], UnitOfWork]:
    return lambda: UnitOfWork(engine)


@pytest.fixture
def unsent(engine: AsyncEngine) -> Callable[[], Awaitable[int]]:
    """How many outbox rows wait."""

    async def count() -> int:
        async with engine.connect() as connection:
            query = select(func.count()).where(OUTBOX.c.sent_at.is_(None))
            return (await connection.execute(query)).scalar_one()

    return count


@pytest.fixture
def private_broker(tmp_path: Path) -> Iterator[RabbitMQ]:
    """A broker of this test alone, which it may freeze."""
    own = RabbitMQ(tmp_path, Addresses.chosen(provide()).rabbitmq)
    own.start()
    yield own
    own.thaw()
    own.stop()
    own.wipe()


@pytest.fixture
def fact() -> PlanChanged:
    return PlanChanged(user_id="u", plan="pro", changed_at=datetime.now(UTC))


@dataclass
class Bus:
    """A vhost, seen from outside by a plain client."""

    url: SecretStr
    channel: AbstractChannel

    async def say(self, body: bytes, **properties: Any) -> None:
        """Publish anything to where PlanChanged is told."""
        exchange = await self.channel.get_exchange("accounts.events")
        usual = {"message_id": str(new_id())}
        await exchange.publish(aio_pika.Message(body, **usual | properties), "PlanChanged.v1")

    async def tell(self, fact: PlanChanged, **properties: Any) -> Envelope:
        """Publish a proper fact; the same envelope may be told again as `again.model_dump_json`."""
        envelope = Envelope(
            id=new_id(),
            source=fact.source,
            type=fact.type,
            subject=fact.subject,
            time=datetime.now(UTC),
            data=fact.model_dump(mode="json"),
            aggregateversion=1,
        )
        await self.say(envelope.model_dump_json().encode(), **properties)
        return envelope

    async def take(self, queue: str) -> AbstractIncomingMessage | None:
        """The next message of a queue, gone from there; None when it is empty."""
        found = await self.channel.get_queue(queue, ensure=False)
        return await found.get(no_ack=True, fail=False)

    async def comes(self, queue: str) -> AbstractIncomingMessage:
        """Wait for a message in a queue."""
        message = await eventually(lambda: self.take(queue))
        assert message is not None
        return message

    async def depth(self, queue: str) -> int:
        """How many messages are ready."""
        found = await self.channel.declare_queue(queue, passive=True)
        return found.declaration_result.message_count or 0


@pytest.fixture
async def bus(new_vhost: NewVhost) -> AsyncIterator[Bus]:
    url = new_vhost()
    async with await aio_pika.connect(url) as connection:
        yield Bus(SecretStr(url), await connection.channel())


Consuming = Callable[..., AbstractAsyncContextManager[Queue]]


@pytest.fixture
def consuming(bus: Bus, transaction: Callable[[], UnitOfWork]) -> Consuming:
    """`async with consuming(handle) as queue` runs the real consumer over declared queues."""

    @asynccontextmanager
    async def run(handle: Handle, *, prefetch: int = 16) -> AsyncIterator[Queue]:
        subscriptions = (Reaction(PlanChanged, "plans", handle),)
        (declared,) = queues(SERVICE, subscriptions, RUNGS)
        queue = Queue(SERVICE, "plans", declared.bindings, RUNGS, prefetch)
        await topology.declare(bus.url, SERVICE, (queue,))
        consumer = broker(bus.url, SERVICE, graceful_seconds=1)
        attach(consumer, (queue,), subscriptions, transaction)
        async with consumer:
            await consumer.start()
            yield queue

    return run
