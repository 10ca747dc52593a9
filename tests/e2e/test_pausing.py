"""An operator stops somebody's publications and lets them go on."""

import time
from collections.abc import Callable, Iterator

import pytest

from e2e.conftest import Ask, Connect, Sandbox
from localrun.person import Person, Refused
from stack import Stack

STILL_SECONDS = 2.0


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
