"""A dead letter that is sent again takes effect once, whatever went before."""

from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import pytest

from common.bus.subscription import Heard, retry_exchange
from common.contracts.accounts import PlanChanged
from common.db.unit_of_work import UnitOfWork
from support.waiting import eventually

from .conftest import QUEUE, Bury, Count, Dead, broken, effect, ids

pytestmark = pytest.mark.anyio


def _reaches(count: Count, wanted: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return await count() >= wanted

    return reached


async def test_a_replayed_message_keeps_id_and_body_and_starts_at_attempt_0(
    bus: Any, dead: Dead, bury: Bury
) -> None:
    await bury(3, b'{"as": "it was"}')
    assert await dead("replay", "001") == (0, "replayed 001 to listener.plans\n", "")
    message = await bus.comes(QUEUE.name)
    assert (message.message_id, message.body) == ("001", b'{"as": "it was"}')
    assert message.headers["x-attempt"] == 0
    assert "x-why" not in message.headers
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert await ids(bus) == ["000", "002"]


async def test_all_are_replayed_in_order(bus: Any, dead: Dead, bury: Bury) -> None:
    await bury(150)
    code, out, _ = await dead("replay", "--all")
    assert (code, len(out.splitlines())) == (0, 150)
    assert await bus.depth(QUEUE.dead) == 0
    replayed = [(await bus.comes(QUEUE.name)).message_id for _ in range(150)]
    assert replayed == [f"{number:03}" for number in range(150)]


async def test_a_handler_that_works_by_now_takes_effect(
    bus: Any, consuming: Any, dead: Dead, fact: PlanChanged, unsent: Count
) -> None:
    async with consuming(broken):
        await bus.tell(fact, message_id="mended")
        await eventually(lambda: bus.depth(QUEUE.dead))
    async with consuming(effect):
        assert (await dead("replay", "mended"))[0] == 0
        await eventually(unsent)
    assert await unsent() == 1
    assert await bus.depth(QUEUE.dead) == 0


async def test_a_handler_that_is_still_broken_climbs_every_rung_again(
    bus: Any, consuming: Any, dead: Dead, fact: PlanChanged
) -> None:
    calls = 0

    async def still_broken(_uow: UnitOfWork, _heard: Heard) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError

    async with consuming(still_broken) as queue:
        await bus.tell(fact)
        await eventually(lambda: bus.depth(QUEUE.dead))
        assert calls == 1 + len(queue.rungs)
        assert (await dead("replay", "--all"))[0] == 0
        await eventually(lambda: bus.depth(QUEUE.dead))
    assert calls == 2 * (1 + len(queue.rungs))
    assert await bus.depth(QUEUE.dead) == 1


async def test_one_whose_effect_was_committed_before_has_no_second_effect(
    bus: Any, consuming: Any, dead: Dead, fact: PlanChanged, unsent: Count
) -> None:
    """The consumer died after its commit, and the message was buried all the same."""
    async with consuming(effect):
        envelope = await bus.tell(fact)
        await eventually(unsent)
        body = envelope.model_dump_json().encode()
        grave = await bus.channel.get_exchange("listener.dead")
        await grave.publish(aio_pika.Message(body, message_id="done"), QUEUE.name)
        assert (await dead("replay", "done"))[0] == 0
        await bus.tell(fact)  # takes its turn after the twin
        await eventually(_reaches(unsent, 2))
    assert await unsent() == 2
    assert await bus.depth(QUEUE.dead) == await bus.depth(QUEUE.name) == 0


async def test_one_that_is_replayed_twice_takes_effect_once(
    bus: Any, consuming: Any, dead: Dead, fact: PlanChanged, unsent: Count
) -> None:
    """As after a crash between confirm and acknowledgement: it was sent, and is still there."""
    async with consuming(broken):
        await bus.tell(fact, message_id="twice")
        await eventually(lambda: bus.depth(QUEUE.dead))
    letter = await bus.take(QUEUE.dead)
    retry = await bus.channel.get_exchange(retry_exchange(QUEUE.service))
    grave = await bus.channel.get_exchange("listener.dead")
    again = aio_pika.Message(letter.body, message_id=letter.message_id, headers=letter.headers)
    await retry.publish(aio_pika.Message(letter.body, message_id="twice"), QUEUE.name)
    await grave.publish(again, QUEUE.name)
    async with consuming(effect):
        assert (await dead("replay", "twice"))[0] == 0
        await bus.tell(fact)
        await eventually(_reaches(unsent, 2))
    assert await unsent() == 2
    assert await bus.depth(QUEUE.dead) == 0


async def test_what_reaches_no_queue_stays_dead(bus: Any, dead: Dead, bury: Bury) -> None:
    await bury(2)
    queue = await bus.channel.get_queue(QUEUE.name)
    await queue.unbind(retry_exchange(QUEUE.service), QUEUE.name)
    code, out, err = await dead("replay", "--all")
    assert (code, out, err) == (1, "", "RabbitMQ did not do it: PublishError\n")
    assert await ids(bus) == ["000", "001"]
