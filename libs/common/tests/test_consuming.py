"""What becomes of a message: handled once, retried on the rungs, or buried once."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus.subscription import Heard
from common.contracts.accounts import PlanChanged
from common.contracts.envelope import Envelope
from common.db.unit_of_work import UnitOfWork
from servers import Servers
from support.waiting import eventually

pytestmark = pytest.mark.anyio
Count = Callable[[], Awaitable[int]]


async def _effect(uow: UnitOfWork, heard: Heard) -> None:
    """Leaves one outbox row: an effect that can be counted."""
    uow.tell(heard.event, version=heard.version)


async def _broken(_uow: UnitOfWork, _heard: Heard) -> None:
    raise RuntimeError("canary-in-the-error")


async def test_a_message_takes_effect(
    bus: Any, consuming: Any, fact: PlanChanged, unsent: Count
) -> None:
    async with consuming(_effect) as queue:
        await bus.tell(fact)
        await eventually(unsent)
    assert await bus.depth(queue.name) == 0
    assert await bus.depth(queue.dead) == 0


async def test_twins_take_effect_once(
    bus: Any, consuming: Any, fact: PlanChanged, unsent: Count
) -> None:
    async with consuming(_effect):
        envelope: Envelope = await bus.tell(fact)
        for _ in range(9):
            await bus.say(envelope.model_dump_json().encode())
        await bus.tell(fact)

        async def both() -> bool:
            return await unsent() >= 2

        await eventually(both)
    assert await unsent() == 2


async def test_a_handler_that_raises_climbs_every_rung_and_is_buried_once(
    bus: Any, consuming: Any, fact: PlanChanged
) -> None:
    calls = 0

    async def broken(_uow: UnitOfWork, _heard: Heard) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("canary-in-the-error")

    async with consuming(broken) as queue:
        envelope = await bus.tell(fact)
        dead = await bus.comes(queue.dead)
        assert calls == 1 + len(queue.rungs)
    assert json.loads(dead.body)["id"] == str(envelope.id)
    assert dead.headers["x-why"] == "RuntimeError"
    assert dead.headers["x-attempt"] == len(queue.rungs)
    assert dead.headers["x-handler"] == queue.name
    assert "canary" not in repr(dead.headers)
    for name in (queue.name, queue.dead, f"{queue.name}.retry.50ms", f"{queue.name}.retry.100ms"):
        assert await bus.depth(name) == 0


async def test_a_handler_that_recovers_takes_effect_once(
    bus: Any, consuming: Any, fact: PlanChanged, unsent: Count
) -> None:
    calls = 0

    async def shaky(uow: UnitOfWork, heard: Heard) -> None:
        nonlocal calls
        calls += 1
        await _effect(uow, heard)
        if calls < 3:
            raise RuntimeError

    async with consuming(shaky) as queue:
        await bus.tell(fact)
        await eventually(unsent)
    assert (calls, await unsent(), await bus.depth(queue.dead)) == (3, 1, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\xffcanary",
        b'{"canary": 1}',
        b'["canary"]',
        json.dumps(
            {
                "id": "01990000-0000-7000-8000-000000000000",
                "source": "accounts",
                "type": "PlanChanged.v1",
                "subject": "u",
                "time": "2026-11-22T12:00:00Z",
                "aggregateversion": 1,
                "data": {"canary": 1},
            }
        ).encode(),
    ],
)
async def test_poison_is_buried_once_without_its_content_and_others_go_on(
    bus: Any, consuming: Any, fact: PlanChanged, unsent: Count, body: bytes
) -> None:
    async with consuming(_effect) as queue:
        await bus.say(body)
        await bus.tell(fact)
        dead = await bus.comes(queue.dead)
        await eventually(unsent)
    assert b"canary" not in dead.body
    assert "canary" not in repr(dead.headers)
    assert dead.headers["x-body-bytes"] == len(body)
    assert dead.headers["x-body-sha256"] == sha256(body).hexdigest()
    assert await bus.depth(queue.dead) == 0
    assert await unsent() == 1


async def test_a_version_of_tomorrow_is_buried_for_later_with_its_content(
    bus: Any, consuming: Any, fact: PlanChanged, unsent: Count
) -> None:
    async with consuming(_effect) as queue:
        envelope = await bus.tell(fact)
        await eventually(unsent)
        newer = envelope.model_copy(update={"type": "PlanChanged.v2"}).model_dump_json().encode()
        await bus.say(newer)
        dead = await bus.comes(queue.dead)
    assert dead.body == newer
    assert dead.headers["x-why"] == "unknown_event"
    assert await unsent() == 1


async def test_s4_a_senders_reply_to_makes_nobody_answer(
    bus: Any, consuming: Any, fact: PlanChanged, unsent: Count
) -> None:
    victim = await bus.channel.declare_queue(exclusive=True)
    async with consuming(_effect) as queue:
        await bus.tell(fact, reply_to=victim.name, correlation_id="c")
        await bus.say(b"poison", reply_to=victim.name)
        await bus.comes(queue.dead)
        await eventually(unsent)
    assert await bus.depth(victim.name) == 0


async def test_no_more_handlers_run_at_once_than_the_prefetch_allows(
    bus: Any, consuming: Any, fact: PlanChanged
) -> None:
    running = most = done = 0
    full, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_uow: UnitOfWork, _heard: Heard) -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        if running == 2:
            full.set()
        await go_on.wait()
        running -= 1
        done += 1

    async with consuming(slow, prefetch=2) as queue:
        for _ in range(10):
            await bus.tell(fact)
        await asyncio.wait_for(full.wait(), timeout=10)

        async def rest_waits() -> bool:
            return bool(await bus.depth(queue.name) == 8)

        await eventually(rest_waits)
        go_on.set()

        async def all_done() -> bool:
            return done == 10

        await eventually(all_done)
    assert most == 2


async def test_a_handler_cut_off_by_a_lost_connection_takes_effect_once(
    bus: Any, consuming: Any, fact: PlanChanged, unsent: Count, servers: Servers
) -> None:
    started, calls = asyncio.Event(), 0

    async def cut(uow: UnitOfWork, heard: Heard) -> None:
        nonlocal calls
        calls += 1
        await _effect(uow, heard)
        if calls == 1:
            started.set()
            await asyncio.Event().wait()

    async with consuming(cut) as queue:
        await bus.tell(fact)
        await asyncio.wait_for(started.wait(), timeout=10)
        await _cut_consumers(servers, queue.name)
        await eventually(unsent, seconds=40)
        assert calls == 2
        assert await unsent() == 1


async def _cut_consumers(servers: Servers, queue: str) -> None:
    """Close the connections that consume from a queue, as an operator or a fault would."""

    async def consumers() -> list[str]:
        _, found = await asyncio.to_thread(servers.rabbitmq.api, "GET", "/api/consumers")
        return [
            one["channel_details"]["connection_name"]
            for one in found
            if one["queue"]["name"] == queue and one["channel_details"]  # filled in later
        ]

    for name in await eventually(consumers, seconds=30):
        path = "/api/connections/" + name.replace(" ", "%20").replace(">", "%3E")
        status, _ = await asyncio.to_thread(servers.rabbitmq.api, "DELETE", path)
        assert status == 204


async def test_an_effect_and_its_inbox_row_are_undone_together(
    bus: Any, consuming: Any, fact: PlanChanged, engine: AsyncEngine
) -> None:
    async with consuming(_broken) as queue:
        await bus.tell(fact)
        await bus.comes(queue.dead)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM inbox"))).scalar_one() == 0
