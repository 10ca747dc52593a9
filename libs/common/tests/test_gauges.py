"""What the gauges tell about queues and the outbox is what the servers hold."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus import depth as depth_module
from common.bus import run, topology
from common.bus.depth import tell_depth
from common.bus.publish import broker
from common.bus.subscription import Heard, Queue
from common.bus.telling import Telling
from common.contracts.accounts import PlanChanged
from common.db.relay import Relay
from common.db.unit_of_work import OUTBOX, UnitOfWork
from common.observe import metrics
from common.process import Task
from support.waiting import eventually

pytestmark = pytest.mark.anyio
RUNGS = (timedelta(hours=1), timedelta(hours=2))
QUEUE = Queue("listener", "plans", (("accounts.events", "PlanChanged.v1"),), RUNGS)


@asynccontextmanager
async def _running(task: Task) -> AsyncIterator[None]:
    stop = asyncio.Event()
    started = asyncio.create_task(task(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(started, timeout=10)


def _depth(state: str) -> float | None:
    return REGISTRY.get_sample_value("queue_depth", {"queue": QUEUE.name, "state": state})


def _consumers() -> float | None:
    return REGISTRY.get_sample_value("queue_consumers", {"queue": QUEUE.name})


@pytest.fixture
def telling(bus: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`async with telling():` asks for the depth of QUEUE many times a second."""
    monkeypatch.setattr(depth_module, "EVERY_SECONDS", 0.02)

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with broker(bus.url, "listener") as asking:
            await asking.start()
            async with _running(partial(tell_depth, asking, (QUEUE,))):
                yield

    return run


async def _comes(look: Callable[[], bool]) -> None:
    async def ask() -> bool:
        return look()

    await eventually(ask)


async def test_messages_are_told_by_where_they_are(
    bus: Any, telling: Any, fact: PlanChanged
) -> None:
    """Ready for a consumer, on one of the rungs, or among the dead letters."""
    await topology.declare(bus.url, QUEUE.service, (QUEUE,))
    dead = await bus.channel.get_exchange("listener.dead")
    retry = await bus.channel.get_exchange("listener.retry")

    def told(ready: int, waiting: int, dead: int) -> Callable[[], bool]:
        wanted = {"ready": ready, "waiting": waiting, "dead": dead}
        return lambda: {state: _depth(state) for state in wanted} == wanted

    async with telling():
        for _ in range(4):
            await bus.tell(fact)
        await _comes(told(4, 0, 0))
        for delay in RUNGS:
            await retry.publish(await bus.take(QUEUE.name), QUEUE.rung(delay))
        await _comes(told(2, 2, 0))
        await dead.publish(await bus.take(QUEUE.name), QUEUE.name)
        await _comes(told(1, 2, 1))


async def test_consumers_are_told_and_a_queue_that_is_deleted_has_none(
    bus: Any, telling: Any, consuming: Any
) -> None:
    async def nothing(_uow: UnitOfWork, _heard: Heard) -> None: ...

    async with consuming(nothing), telling():
        await _comes(lambda: _consumers() == 1)
        await bus.channel.queue_delete(QUEUE.name)
        await _comes(lambda: _depth("ready") is None)
        await _comes(lambda: _consumers() == 0)
        assert _depth("dead") == 0


async def test_a_broker_that_is_away_leaves_no_old_number_behind() -> None:
    for state in ("ready", "waiting", "dead"):
        metrics.QUEUE_DEPTH.labels(QUEUE.name, state).set(7)
    metrics.QUEUE_CONSUMERS.labels(QUEUE.name).set(1)
    away = broker(SecretStr("amqp://127.0.0.1:1/"), "listener")
    async with _running(partial(tell_depth, away, (QUEUE,))):
        for state in ("ready", "waiting", "dead"):
            await _comes(lambda state=state: _depth(state) is None)
        assert _consumers() is None


async def test_the_age_of_the_oldest_unsent_row_is_told(
    bus: Any,
    engine: AsyncEngine,
    database_url: str,
    transaction: Callable[[], UnitOfWork],
    fact: PlanChanged,
) -> None:
    """No queue takes the fact, so it stays in the outbox."""
    await topology.declare(bus.url, "accounts", ())
    async with transaction() as uow:
        uow.tell(fact, version=1)
    async with engine.begin() as connection:
        long_ago = func.now() - timedelta(seconds=500)
        await connection.execute(update(OUTBOX).values(created_at=long_ago))

    def oldest() -> bool:
        return 500 <= (REGISTRY.get_sample_value("outbox_oldest_seconds") or 0) < 600

    async with broker(bus.url, "accounts") as speaker:
        relay = Relay(engine, SecretStr(database_url), Telling(speaker, "accounts"))
        async with _running(relay.run):
            await _comes(oldest)
            assert REGISTRY.get_sample_value("outbox_unsent") == 1


async def test_what_comes_of_a_queues_messages_is_told_before_the_first(
    transaction: Callable[[], UnitOfWork],
) -> None:
    """A counter that appears with its first failure has not increased."""
    queue = Queue("listener", "nothing-yet", (), RUNGS)
    away = broker(SecretStr("amqp://127.0.0.1:1/"), "listener")
    run.attach(away, (queue,), (), transaction)
    for result in ("done", "retried", "dead"):
        labels = {"queue": queue.name, "result": result}
        assert REGISTRY.get_sample_value("messages_total", labels) == 0
