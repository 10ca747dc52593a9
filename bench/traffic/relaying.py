"""The relay against a bare publisher, and the time from a commit to the consumer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import quantiles
from typing import Any
from uuid import UUID

import aio_pika
from aio_pika.abc import DeliveryMode
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.measuring.spread import spread
from common.bus import topology
from common.bus.publish import broker
from common.bus.run import as_json, attach
from common.bus.subscription import Done, Heard, Outcome, exchange, queues
from common.bus.telling import Telling
from common.contracts.publisher import PublicationRequested
from common.contracts.words import Platform
from common.db.engine import connect
from common.db.relay import Relay
from common.db.unit_of_work import OUTBOX, UnitOfWork
from common.ids import new_id
from common.observe import trace
from publisher.bus.subscriptions import SUBSCRIPTIONS, WORK

NAME = "publisher"
EVENTS = 4_000
OUTSTANDING = 100
ROUNDS = 5
PER_SECOND = 20
TIMED_ROUNDS, TIMED_EVENTS = 4, 200
QUEUES = queues(NAME, (WORK[Platform.VK],), ())


def event() -> PublicationRequested:
    """A wake-up call, as publisher tells it most."""
    return PublicationRequested(
        publication_id=new_id(), user_id="bench", connection_id=new_id(), platform=Platform.VK
    )


async def relayed(database_url: str, bus_url: str) -> dict[str, Any]:
    """Events a second of both, by turns; each is confirmed by the same quorum queue."""
    engine = connect(SecretStr(database_url), "bench")
    await topology.declare(SecretStr(bus_url), NAME, QUEUES)
    found: dict[str, list[float]] = {"relay": [], "bare": []}
    try:
        async with _relay(engine, database_url, bus_url) as relay:
            for number in range(ROUNDS + 1):
                bodies = await _told(engine)
                took = {"relay": await _by_relay(relay), "bare": await _bare(bus_url, bodies)}
                await _emptied(bus_url)
                if number:
                    for name, seconds in took.items():
                        found[name].append(EVENTS / seconds)
    finally:
        await engine.dispose()
    both = zip(found["relay"], found["bare"], strict=True)
    return {
        "events": EVENTS,
        "outstanding": OUTSTANDING,
        "rounds": ROUNDS,
        "per_second": {name: spread(one, 0) for name, one in found.items()},
        "ratio": spread([relay / bare for relay, bare in both]),
    }


async def commit_to_consumer(database_url: str, bus_url: str) -> dict[str, Any]:
    """Milliseconds from the end of a commit to the beginning of the handler, in rounds."""
    engine = connect(SecretStr(database_url), "bench")
    await topology.declare(SecretStr(bus_url), NAME, QUEUES)
    committed: dict[UUID, float] = {}
    came: dict[UUID, float] = {}

    async def work(heard: Heard) -> Outcome:
        came[heard.event.publication_id] = time.perf_counter()
        return Done()

    consumer = broker(SecretStr(bus_url), NAME)
    attach(consumer, QUEUES, SUBSCRIPTIONS, lambda: UnitOfWork(engine), work)
    rounds = []
    try:
        async with _relay(engine, database_url, bus_url) as relay, consumer, _running(relay):
            await consumer.start()
            await asyncio.sleep(1)  # the relay listens by then
            for _ in range(TIMED_ROUNDS):
                committed.clear()
                await _steadily(engine, committed)
                deadline = time.monotonic() + 10
                while not came.keys() >= committed.keys():
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{len(committed.keys() - came.keys())} did not come")
                    await asyncio.sleep(0.05)
                rounds.append([1000 * (came[one] - at) for one, at in committed.items()])
    finally:
        await engine.dispose()
    cuts = [quantiles(one, n=100, method="inclusive") for one in rounds]
    return {
        "events": TIMED_EVENTS,
        "per_second": PER_SECOND,
        "rounds": TIMED_ROUNDS,
        "p50_ms": spread([one[49] for one in cuts]),
        "p99_ms": spread([one[98] for one in cuts]),
    }


@asynccontextmanager
async def _relay(engine: AsyncEngine, database_url: str, bus_url: str) -> AsyncIterator[Relay]:
    async with broker(SecretStr(bus_url), NAME) as speaker:
        yield Relay(engine, SecretStr(database_url), Telling(speaker, NAME))


@asynccontextmanager
async def _running(relay: Relay) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def _told(engine: AsyncEngine) -> list[bytes]:
    """So many facts wait, each in the trace of its own request; what they say, for the others."""
    async with UnitOfWork(engine) as uow:
        for _ in range(EVENTS):
            with trace.within(trace.start(None)):
                uow.tell(event(), version=1)
    async with engine.connect() as connection:
        bodies = select(OUTBOX.c.body).where(OUTBOX.c.sent_at.is_(None))
        found = [as_json(body) for body in (await connection.execute(bodies)).scalars()]
        await connection.execute(text("ANALYZE outbox"))
        return found


async def _by_relay(relay: Relay) -> float:
    began = time.perf_counter()
    await relay.send_all(asyncio.Event())
    return time.perf_counter() - began


async def _bare(bus_url: str, bodies: list[bytes]) -> float:
    """Nothing but the client library: no rows, no envelope to read, no trace."""
    key = event().routing_key
    async with await aio_pika.connect(bus_url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        events = await channel.get_exchange(exchange(NAME))
        waiting = iter(bodies)

        async def some() -> None:
            for body in waiting:
                message = aio_pika.Message(
                    body,
                    delivery_mode=DeliveryMode.PERSISTENT,
                    message_id=str(new_id()),
                    content_type="application/cloudevents+json",
                )
                await events.publish(message, key)

        began = time.perf_counter()
        await asyncio.gather(*(some() for _ in range(OUTSTANDING)))
        return time.perf_counter() - began


async def _emptied(bus_url: str) -> None:
    async with await aio_pika.connect(bus_url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(QUEUES[0].name)
        purged = await queue.purge()
        if purged.message_count != 2 * EVENTS:
            raise RuntimeError(f"{purged.message_count} of {2 * EVENTS} came")


async def _steadily(engine: AsyncEngine, committed: dict[UUID, float]) -> None:
    """A commit every so often, whatever the one before takes."""
    began = time.perf_counter()
    for number in range(TIMED_EVENTS):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
        told = event()
        async with UnitOfWork(engine) as uow:
            uow.tell(told, version=1)
        committed[told.publication_id] = time.perf_counter()
