"""Numbers through the whole system: published, sampled, told, shown."""

import asyncio
import time
from typing import Any

import asyncpg

from e2e.conftest import Ask, Sandbox
from localrun.person import Person
from stack import Stack

PATIENCE = 60.0


def due_again(stack: Stack, publication: str) -> None:
    """As if its last look was hours ago."""

    async def move() -> None:
        database = await asyncpg.connect(stack.stores.databases["stats-collector"])
        try:
            await database.execute(
                "UPDATE watches SET next_at = now(), sampled_at = sampled_at - interval '6 hours'"
                " WHERE publication_id = $1",
                publication,
            )
        finally:
            await database.close()

    asyncio.run(move())


def series(person: Person, publication: str, count: int) -> list[dict[str, Any]]:
    """The samples, once there are so many."""
    deadline = time.monotonic() + PATIENCE
    while True:
        page = person.ask("stats-collector", "GET", f"/v1/stats/publications/{publication}")
        if len(page["samples"]) >= count:
            return page["samples"]  # type: ignore[no-any-return] # JSON
        assert time.monotonic() < deadline, page
        time.sleep(0.1)


def test_an_access_token_that_died_is_refreshed_for_a_sample(
    person: Person, ask: Ask, sandbox: Sandbox, stack: Stack
) -> None:
    account = sandbox.account("vk")["account"]
    connection = person.connect_by_consent("vk", account)
    (accepted,) = ask(person, connection)
    told = person.watch([accepted["id"]], seconds=PATIENCE, until=lambda one: one["stats"])
    assert told[0]["status"] == "published"
    (first,) = series(person, accepted["id"], 1)
    before = len(sandbox.calls("vk", "video.get", account))
    sandbox.expire("vk", account)
    due_again(stack, accepted["id"])
    _, second = series(person, accepted["id"], 2)
    assert second["views"] >= first["views"]
    assert second["at"] > first["at"]
    assert len(sandbox.calls("vk", "video.get", account)) > before
    found = person.ask("connections", "GET", f"/v1/connections/{connection['id']}")
    assert found["status"] == "active"
    (shown,) = person.watch(
        [accepted["id"]],
        seconds=PATIENCE,
        until=lambda one: one["stats"]["synced_at"][:19] == second["at"][:19],
    )
    assert shown["stats"]["views"] == second["views"]
