"""An operator stops somebody's publications and lets them go on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from e2e.conftest import Ask, Connect, Sandbox
from localrun.person import Person, Refused
from stack import Stack

STILL_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
BURST = 200
"""What BURST_LIMIT allows in an hour, unless it is set."""


@pytest.fixture
def operator(stack: Stack) -> Iterator[Person]:
    found = Person(stack.urls, stack.token("olga", "free", role="operator"))
    yield found
    for one in found.ask("publisher", "GET", "/v1/pauses")["items"]:
        body = {"scope": one["scope"], "id": one["id"]}
        found.ask("publisher", "DELETE", "/v1/pauses", json=body)
    found.close()


@pytest.mark.parametrize("scope", ["connection", "platform"])
def test_nothing_is_sent_while_paused_and_nothing_is_lost(
    person: Person, operator: Person, connect: Connect, ask: Ask, sandbox: Sandbox, scope: str
) -> None:
    connection = connect(person, "telegram")
    paused = {"scope": scope, "id": "telegram" if scope == "platform" else connection["id"]}
    operator.ask("publisher", "POST", "/v1/pauses", json=paused)
    (accepted,) = ask(person, connection)
    until = time.monotonic() + STILL_SECONDS
    while time.monotonic() < until:
        assert person.look(accepted["id"])["status"] == "publishing"
        assert sandbox.posts(title=accepted["title"]) == []
        time.sleep(0.2)
    operator.ask("publisher", "DELETE", "/v1/pauses", json=paused)
    (ended,) = person.watch([accepted["id"]], seconds=20)
    assert ended["status"] == "published"


def test_only_operators_know_of_pauses(newcomer: Callable[..., Person]) -> None:
    with pytest.raises(Refused) as refused:
        newcomer("business").ask("publisher", "GET", "/v1/pauses")
    assert refused.value.status == 404


def until(person: Person, publication_id: str, hold: str) -> dict[str, Any]:
    """The publication, once it is held for this reason."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := person.look(publication_id))["hold"] != hold:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_what_is_in_a_workers_hands_is_put_back_before_anybody_sees_it(
    person: Person, operator: Person, connect: Connect, ask: Ask, sandbox: Sandbox
) -> None:
    connection = connect(person, "vk")
    slowly = {"platform": "vk", "step": "video.save", "kind": "slow", "times": 1, "seconds": 2}
    httpx.post(f"{sandbox.url}/_faults", json=slowly, trust_env=False).raise_for_status()
    (accepted,) = ask(person, connection)
    timeline = f"/v1/publications/{accepted['id']}/timeline"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "step_started" not in [
        line["kind"] for line in person.ask("publisher", "GET", timeline)["items"]
    ]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    paused = {"scope": "connection", "id": connection["id"], "reason": "a look first"}
    operator.ask("publisher", "POST", "/v1/pauses", json=paused)
    held = until(person, accepted["id"], "paused")
    assert (held["stage"]["name"], held["stage"]["why"]) == ("waiting", "paused")
    assert "operator" in held["hold_detail"]
    assert sandbox.posts(title=accepted["title"]) == []
    operator.ask("publisher", "DELETE", "/v1/pauses", json=paused)
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE_SECONDS)
    assert ended["status"] == "published"
    assert len(sandbox.posts(title=accepted["title"])) == 1


def test_an_account_that_was_given_too_much_pauses_by_itself_until_an_operator_looks(
    person: Person, operator: Person, connect: Connect, ask: Ask, sandbox: Sandbox, stack: Stack
) -> None:
    flooded, other = connect(person, "telegram"), connect(person, "telegram")
    (first,) = ask(person, flooded)
    person.watch([first["id"]], seconds=PATIENCE_SECONDS)
    asyncio.run(_as_if_published(stack, first["id"], BURST - 1))
    beyond, well = ask(person, flooded, other)
    held = until(person, beyond["id"], "paused")
    assert "ask support" in held["hold_detail"]
    assert person.watch([well["id"]], seconds=PATIENCE_SECONDS)[0]["status"] == "published"
    [pause] = operator.ask("publisher", "GET", "/v1/pauses")["items"]
    assert (pause["scope"], pause["id"]) == ("connection", flooded["id"])
    assert (pause["paused_by"], str(BURST) in pause["reason"]) == ("burst", True)
    assert len(sandbox.posts(title=beyond["title"])) == 1, "the other account's"
    paused = {"scope": "connection", "id": flooded["id"], "reason": "it was her"}
    operator.ask("publisher", "DELETE", "/v1/pauses", json=paused)
    (ended,) = person.watch([beyond["id"]], seconds=PATIENCE_SECONDS)
    assert ended["status"] == "published"


async def _as_if_published(stack: Stack, publication_id: str, many: int) -> None:
    """So many more of the same account: two hundred uploads would take an hour."""
    database = await asyncpg.connect(stack.stores.privileged("publisher")["DATABASE_OWNER_URL"])
    one = UUID(publication_id)
    await database.execute(
        "CREATE TEMPORARY TABLE copies AS SELECT p.* FROM publications p,"
        " generate_series(1, $2::integer) WHERE p.id = $1",
        one,
        many,
    )
    await database.execute("UPDATE copies SET id = gen_random_uuid(), clip_id = gen_random_uuid()")
    await database.execute("INSERT INTO publications SELECT * FROM copies")
    await database.close()
