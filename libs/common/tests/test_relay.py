"""The way from an outbox row to a confirmed message: none lost, none left behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus import topology
from common.bus.publish import broker
from common.bus.subscription import Queue
from common.bus.telling import Telling
from common.contracts.accounts import PlanChanged
from common.db import relay as relay_module
from common.db.relay import Relay
from common.db.unit_of_work import UnitOfWork
from common.observe import trace
from support.waiting import eventually

pytestmark = pytest.mark.anyio
QUEUE = Queue("listener", "plans", (("accounts.events", "PlanChanged.v1"),), ())
Count = Callable[[], Awaitable[int]]
Transaction = Callable[[], UnitOfWork]


@pytest.fixture
def new_relay(bus: Any, engine: AsyncEngine, database_url: str) -> Any:
    """A relay with a broker connection of its own."""

    @asynccontextmanager
    async def make() -> AsyncIterator[Relay]:
        async with broker(bus.url, "accounts") as speaker:
            yield Relay(engine, SecretStr(database_url), Telling(speaker, "accounts"))

    return make


@asynccontextmanager
async def _running(relay: Relay) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, timeout=10)


async def _tell(transaction: Transaction, fact: PlanChanged, times: int = 1) -> None:
    for version in range(1, times + 1):
        async with transaction() as uow:
            uow.tell(fact, version=version)


async def _none(unsent: Count) -> None:
    async def none() -> bool:
        return await unsent() == 0

    await eventually(none)


async def test_a_row_is_marked_once_the_broker_confirmed(
    bus: Any, new_relay: Any, transaction: Transaction, fact: PlanChanged, unsent: Count
) -> None:
    await topology.declare(bus.url, "accounts", (QUEUE,))
    await _tell(transaction, fact)
    async with new_relay() as relay:
        assert await relay.send_batch() == 1
        assert await relay.send_batch() == 0
    assert await unsent() == 0
    assert await bus.depth(QUEUE.name) == 1


async def test_rows_that_nobody_confirms_stay_and_are_sent_later(
    bus: Any, new_relay: Any, transaction: Transaction, fact: PlanChanged, unsent: Count
) -> None:
    """No queue listens at first; later the topology is there."""
    await topology.declare(bus.url, "accounts", ())
    await _tell(transaction, fact, times=3)
    async with new_relay() as relay:
        await relay.send_batch()
        assert await unsent() == 3
        await topology.declare(bus.url, "accounts", (QUEUE,))
        async with _running(relay):
            await _none(unsent)
    assert await bus.depth(QUEUE.name) == 3


async def test_rows_stay_while_the_broker_is_away(
    engine: AsyncEngine,
    database_url: str,
    transaction: Transaction,
    fact: PlanChanged,
    unsent: Count,
) -> None:
    await _tell(transaction, fact, times=3)
    away = broker(SecretStr("amqp://127.0.0.1:1/"), "accounts")
    relay = Relay(engine, SecretStr(database_url), Telling(away, "accounts"))
    async with _running(relay):
        await _tell(transaction, fact)
    assert await unsent() == 4


async def test_relays_at_once_send_each_row_once(
    bus: Any, new_relay: Any, transaction: Transaction, fact: PlanChanged, unsent: Count
) -> None:
    await topology.declare(bus.url, "accounts", (QUEUE,))
    async with transaction() as uow:
        for version in range(1, 501):
            uow.tell(fact, version=version)
    async with AsyncExitStack() as stack:
        relays = [await stack.enter_async_context(new_relay()) for _ in range(4)]
        while await unsent():
            await asyncio.gather(*(relay.send_batch() for relay in relays))
    ids = [message.message_id async for message in _all(bus)]
    assert len(ids) == len(set(ids)) == 500


async def _all(bus: Any) -> AsyncIterator[Any]:
    while message := await bus.take(QUEUE.name):
        yield message


async def test_a_commit_wakes_the_relay_at_once(
    bus: Any,
    new_relay: Any,
    transaction: Transaction,
    fact: PlanChanged,
    unsent: Count,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The poll is put out of reach, so that only NOTIFY can be the reason."""
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 600)
    await topology.declare(bus.url, "accounts", (QUEUE,))
    async with new_relay() as relay, _running_until_told(relay, transaction, fact):
        await _none(unsent)


@asynccontextmanager
async def _running_until_told(
    relay: Relay, transaction: Transaction, fact: PlanChanged
) -> AsyncIterator[None]:
    async with _running(relay):

        async def listening() -> bool:
            async with transaction() as uow:
                query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
                return bool((await uow.connection.exec_driver_sql(query)).scalar_one())

        await eventually(listening)
        await _tell(transaction, fact)
        yield
        relay._woken.set()  # so that stopping does not wait for the poll


async def test_a_rolled_back_transaction_tells_nothing(
    transaction: Transaction, fact: PlanChanged, unsent: Count
) -> None:
    with suppress(RuntimeError):
        async with transaction() as uow:
            uow.tell(fact, version=1)
            raise RuntimeError
    assert await unsent() == 0


async def test_the_trace_goes_along(
    bus: Any, new_relay: Any, transaction: Transaction, fact: PlanChanged
) -> None:
    await topology.declare(bus.url, "accounts", (QUEUE,))
    with trace.within(trace.start(None, "corr-1", "cause-1")) as here:
        await _tell(transaction, fact)
    async with new_relay() as relay:
        await relay.send_batch()
    body = (await bus.comes(QUEUE.name)).body.decode()
    for carried in (here.trace_id, "corr-1", "cause-1"):
        assert carried in body
