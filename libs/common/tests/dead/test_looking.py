"""What a person sees of dead letters, and that looking changes nothing."""

import asyncio
import json
from hashlib import sha256
from typing import Any

import aio_pika
import pytest

from common.bus import topology
from common.bus.topology import DELIVERY_LIMIT
from common.contracts.accounts import PlanChanged
from support.waiting import eventually

from .conftest import QUEUE, Bury, Dead, broken, effect, ids

pytestmark = pytest.mark.anyio
CANARY = b"canary"


def _lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


async def test_without_dead_letters_it_says_so(bus: Any, dead: Dead) -> None:
    await topology.declare(bus.url, QUEUE.service, (QUEUE,))
    assert await dead("list") == (0, "no dead letters\n", "")
    assert await dead("list", "--json") == (0, "", "no dead letters\n")
    assert await dead("drop", "--all") == (0, "no dead letters\n", "")
    assert await dead("replay", "--all") == (0, "no dead letters\n", "")


async def test_what_a_handler_refused_is_told_with_its_reason_and_without_content(
    bus: Any, consuming: Any, dead: Dead, fact: PlanChanged
) -> None:
    fact = fact.model_copy(update={"plan": "canary"})
    async with consuming(broken):
        envelope = await bus.tell(fact)
        await eventually(lambda: bus.depth(QUEUE.dead))
    code, out, err = await dead("list", "--json")
    (line,) = _lines(out)
    assert (code, err) == (0, "")
    assert line["since"].startswith("20")
    del line["since"]
    assert line == {
        "message_id": line["message_id"],
        "queue": QUEUE.name,
        "why": "RuntimeError",
        "attempt": 2,
        "type": "PlanChanged.v1",
        "subject": fact.user_id,
        "bytes": len(envelope.model_dump_json()),
    }
    _, plain, _ = await dead("list")
    _, block, _ = await dead("show", line["message_id"])
    _, shown, _ = await dead("show", line["message_id"], "--json")
    (known,) = _lines(shown)
    assert known["id"] == str(envelope.id)
    assert known["aggregateversion"] == 1
    assert known["sha256"] == sha256(envelope.model_dump_json().encode()).hexdigest()
    assert f"{line['message_id']} {QUEUE.name} why=RuntimeError attempt=2" in plain
    assert "body_kept: yes" in block
    assert "canary" not in out + plain + block + shown


async def test_poison_lands_once_with_its_reason_and_can_only_be_dropped(
    bus: Any, consuming: Any, dead: Dead
) -> None:
    async with consuming(effect):
        await bus.say(CANARY, message_id="poison")
        await eventually(lambda: bus.depth(QUEUE.dead))
    _, out, _ = await dead("list", "--json")
    (line,) = _lines(out)
    assert (line["why"], line["type"], line["bytes"]) == ("ValidationError", "-", len(CANARY))
    _, shown, _ = await dead("show", "poison", "--json")
    (known,) = _lines(shown)
    assert (known["body_kept"], known["sha256"]) == (False, sha256(CANARY).hexdigest())
    for which in ("poison", "--all"):
        code, out, err = await dead("replay", which)
        assert (code, out) == (1, "")
        assert "poison in listener.plans can't be replayed" in err
    assert await dead("drop", "poison") == (0, "dropped poison from listener.plans\n", "")
    assert await bus.depth(QUEUE.dead) == 0


async def test_what_rabbitmq_buried_itself_is_told_with_its_reason(
    bus: Any, dead: Dead, fact: PlanChanged
) -> None:
    """A consumer that dies with the message in its hands, again and again."""
    await topology.declare(bus.url, QUEUE.service, (QUEUE,))
    async with await aio_pika.connect(bus.url.get_secret_value()) as connection:
        await bus.tell(fact, message_id="restarted")
        for _ in range(DELIVERY_LIMIT + 1):
            channel = await connection.channel()
            queue = await channel.get_queue(QUEUE.name, ensure=False)
            await eventually(lambda queue=queue: queue.get(fail=False))  # type: ignore[misc] # mypy can't infer a lambda with a default
            await channel.close()
    await eventually(lambda: bus.depth(QUEUE.dead))
    code, out, _ = await dead("list", "--json")
    (line,) = _lines(out)
    assert (code, line["why"], line["message_id"]) == (0, "delivery_limit", "restarted")
    assert (line["type"], line["subject"]) == ("PlanChanged.v1", fact.user_id)
    assert line["since"].startswith("20")
    _, shown, _ = await dead("show", "restarted")
    assert "deaths: delivery_limit in listener.plans ×1" in shown


async def test_looking_leaves_everything_where_it_was(bus: Any, dead: Dead, bury: Bury) -> None:
    await bury(120)
    for _ in range(3):
        code, out, err = await dead("list")
        assert (code, len(out.splitlines())) == (0, 100)
        assert err == "20 more in listener.plans: see them with --limit\n"
        assert (await dead("show", "077"))[0] == 0
    _, out, err = await dead("list", "--limit", "200", "--json")
    assert [line["message_id"] for line in _lines(out)] == [f"{number:03}" for number in range(120)]
    assert err == ""
    assert await ids(bus) == [f"{number:03}" for number in range(120)]


async def test_two_people_at_once_lose_nothing(bus: Any, dead: Dead, bury: Bury) -> None:
    await bury(60)
    await asyncio.gather(*(dead("list") for _ in range(4)), dead("drop", "007"))
    left = set(await ids(bus)) | {"007"}
    assert left == {f"{number:03}" for number in range(60)}


async def test_dropping_takes_one_or_all(bus: Any, dead: Dead, bury: Bury) -> None:
    await bury(5)
    assert await dead("drop", "003") == (0, "dropped 003 from listener.plans\n", "")
    code, out, _ = await dead("drop", "--all", "--queue", "listener.plans.dead")
    assert (code, len(out.splitlines())) == (0, 4)
    assert await bus.depth(QUEUE.dead) == 0


@pytest.mark.parametrize("verb", ["show", "replay", "drop"])
async def test_an_unknown_id_is_an_error(bus: Any, dead: Dead, bury: Bury, verb: str) -> None:
    await bury(2)
    code, out, err = await dead(verb, "nobody")
    assert (code, out) == (1, "")
    assert err.startswith("no dead letter has the id nobody")
    assert await ids(bus) == ["000", "001"]


async def test_what_a_sender_wrote_moves_no_cursor(dead: Dead, bus: Any, bury: Bury) -> None:
    await bury(0)
    grave = await bus.channel.get_exchange("listener.dead")
    await grave.publish(aio_pika.Message(b"", message_id="a\x1b[2J\nb c"), QUEUE.name)
    _, out, _ = await dead("list")
    assert out.startswith("a?[2J?b?c listener.plans why=- attempt=0 type=- subject=- bytes=0")
    assert (await dead("drop", "a?[2J?b?c"))[0] == 0


async def test_a_queue_that_is_missing_is_named(dead: Dead) -> None:
    code, out, err = await dead("list")
    assert (code, out) == (1, "")
    assert "listener.plans.dead" in err
    assert len(err.splitlines()) == 1
