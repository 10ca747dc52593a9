"""Killed in the gateway, the clock or its relay: what was accepted is published, and once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest

from common.contracts.words import Platform
from publisher.domain.states import Status
from support.processes import process
from support.waiting import eventually

from .lab import Lab
from .neighbours import Neighbours
from .person import PATH, Person, person

pytestmark = pytest.mark.anyio
KEY = {"Idempotency-Key": "k-1"}


@pytest.fixture
async def telegram() -> Neighbours:
    """Telegram and the vault, with quick answers."""
    found = Neighbours()
    found.go.set()
    return found


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Orders to die lie in a folder of the test."""
    (tmp_path / "orders").mkdir()
    return environment | {"FAILPOINTS": str(tmp_path / "orders")}


async def test_an_acceptance_that_was_not_answered_is_answered_from_what_was_kept(
    me: Person, environment: dict[str, str]
) -> None:
    body = await me.body()
    order(environment, "publisher.accepted")
    with process("publisher", "http", settings=environment) as url:
        async with person(url, me.user, me.lab, me.clip) as victim:
            with pytest.raises(httpx.RemoteProtocolError):
                await victim.api.post(PATH, json=body, headers=KEY)
    again = await me.api.post(PATH, json=body, headers=KEY)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    [known] = (await me.api.get(PATH)).json()["items"]
    assert [one["id"] for one in again.json()["publications"]] == [known["id"]]


async def test_a_cancel_that_was_not_answered_holds(
    me: Person, environment: dict[str, str]
) -> None:
    found = await me.scheduled()
    path = f"{PATH}/{found['id']}/cancel"
    order(environment, "publisher.cancelled")
    with process("publisher", "http", settings=environment) as url:
        async with person(url, me.user, me.lab, me.clip) as victim:
            with pytest.raises(httpx.RemoteProtocolError):
                await victim.api.post(path, headers=KEY)
    assert (await me.get(found))["status"] == "cancelled"
    again = await me.api.post(path, headers=KEY)
    assert (again.status_code, again.json()["verdict"]) == (200, "cancelled")


def order(environment: dict[str, str], point: str) -> None:
    """The next process that passes this point is killed there."""
    Path(environment["FAILPOINTS"], point).write_text("kill9")


def carried_out(environment: dict[str, str], point: str) -> bool:
    return any(Path(environment["FAILPOINTS"]).glob(f"fired/{point}.*"))


@contextmanager
def dying_clock(environment: dict[str, str], point: str) -> Iterator[Callable[[], Any]]:
    """A clock that is killed at a point once it is ready; gives what waits for that."""

    async def dead() -> bool:
        return carried_out(environment, point)

    with process("publisher", "clock", settings=environment):
        order(environment, point)
        yield lambda: eventually(dead)


async def test_a_clock_that_dies_and_dies_again_starts_what_is_due_once(
    lab: Lab, environment: dict[str, str]
) -> None:
    with dying_clock(environment, "publisher.started") as dead:
        row = await lab.scheduled()
        await dead()
    assert (await lab.read(row)).status is Status.PUBLISHING
    assert await lab.wakes(row) == 1
    await nothing_is_urgent(lab)
    with dying_clock(environment, "publisher.calling") as dead:
        await lab.rows("UPDATE publications SET woken_at = woken_at - interval '1 hour'")
        await dead()
    assert await lab.wakes(row) == 1, "the second call was not committed"

    async def called_again() -> bool:
        return await lab.wakes(row) == 2

    with process("publisher", "clock", settings=environment):
        await eventually(called_again)
    assert await lab.kinds(row) == ["scheduled", "due"]


async def test_a_call_whose_relays_died_is_sent_by_the_next_and_posted_once(
    me: Person, telegram: Neighbours, bus_url: str, environment: dict[str, str]
) -> None:
    account = await me.connect(Platform.TELEGRAM)
    with dying_clock(environment, "relay.leased") as dead:
        [found] = await me.publish(account)
        await dead()
    assert await heard(bus_url) == []
    await nothing_is_urgent(me.lab)
    with dying_clock(environment, "relay.published") as dead:
        await lease_of_the_relay_runs_out(me.lab)
        await dead()
    [call] = await heard(bus_url)

    async def sent() -> bool:
        return not await me.lab.rows("SELECT id FROM outbox WHERE sent_at IS NULL")

    with process("publisher", "clock", settings=environment):
        await lease_of_the_relay_runs_out(me.lab)
        await eventually(sent)
    assert await heard(bus_url) == [call]

    async def published() -> bool:
        return bool((await me.get(found))["status"] == "published")

    with process("publisher", "worker", "--platform", "telegram", settings=environment):
        await eventually(published)
    assert telegram.posts == [account.account_id]


async def nothing_is_urgent(lab: Lab) -> None:
    """However long the next process takes to start, it finds nothing to do."""
    await lab.rows("UPDATE outbox SET leased_until = now() + interval '1 hour'")
    await lab.rows("UPDATE publications SET woken_at = now() + interval '30 minutes'")


async def lease_of_the_relay_runs_out(lab: Lab) -> None:
    await lab.rows("UPDATE outbox SET leased_until = now() - interval '1 second'")


async def heard(bus_url: str) -> list[str]:
    """The ids of what was told since it was asked last."""
    async with await aio_pika.connect(bus_url) as connection:
        queue = await (await connection.channel()).declare_queue("heard", passive=True)
        ids = []
        while message := await queue.get(no_ack=True, fail=False):
            ids.append(str(message.message_id))
        return ids
