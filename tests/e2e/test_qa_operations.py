"""The operating lines of the checklist in spec.md §9, each by its name."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from e2e.conftest import Ask, Connect, Sandbox
from localrun.person import Person
from localrun.plan import SERVICES
from localrun.tasks import run_all
from stack import Stack

PATIENCE = 40.0


def test_vk_id_refresh_works(person: Person, connect: Connect, ask: Ask, sandbox: Sandbox) -> None:
    """The access token has died of age; the post goes out with a fresh one."""
    connection = connect(person, "vk")
    account = connection["account"]["id"]
    sandbox.expire("vk", account)
    (accepted,) = ask(person, connection)
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert (ended["status"], ended["error"]) == ("published", None)
    assert len(sandbox.calls("vkid", "refresh", account)) == 1


def test_dzen_refresh_works(person: Person, connect: Connect, ask: Ask, sandbox: Sandbox) -> None:
    """Дзен refuses the old access token; the post goes out with another one of Yandex."""
    connection = connect(person, "dzen")
    account = connection["account"]["id"]
    sandbox.expire("dzen", account)
    (accepted,) = ask(person, connection)
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert (ended["status"], ended["error"]) == ("published", None)
    assert len(sandbox.calls("yandex", "refresh", account)) == 1


@pytest.mark.anyio
async def test_tokens_encrypted(person: Person, sandbox: Sandbox, stack: Stack) -> None:
    secret = sandbox.account("rutube")["token"]
    linked = person.connect_by_token("rutube", secret)
    for url in stack.stores.databases.values():
        database = await asyncpg.connect(url)
        try:
            dump = [
                str(row)
                for table in await database.fetch(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                )
                for row in await database.fetch(f'SELECT t::text FROM "{table[0]}" t')  # noqa: S608 - names from the catalogue
            ]
        finally:
            await database.close()
        text = "\n".join(dump)
        assert secret not in text
        assert secret.encode().hex() not in text
        if "oauth" in url:
            assert linked["id"] in text


def test_migrations_apply_on_an_empty_and_on_a_used_database(
    person: Person, connect: Connect, ask: Ask, stack: Stack
) -> None:
    """The stack began with empty ones; now they are used, and migrating again changes nothing."""
    (accepted,) = ask(person, connect(person, "telegram"))
    (before,) = person.watch([accepted["id"]], seconds=PATIENCE)
    run_all([stack.members[f"{service}-http"].tasks("migrate") for service in SERVICES])
    after = person.look(accepted["id"])
    told = ("status", "post_id", "url", "published_at", "title", "version")
    assert [after[name] for name in told] == [before[name] for name in told]


def test_previous_release_can_be_put_back(
    person: Person, connect: Connect, ask: Ask, sandbox: Sandbox, stack: Stack
) -> None:
    """Everything that publishes is ended the hard way with work in flight, and started again.

    There is no earlier release yet; the same one stands in for it.
    """
    connections = [connect(person, "vk"), connect(person, "rutube")]
    at = datetime.now(UTC) + timedelta(seconds=2)
    now = ask(person, *connections)
    later = ask(person, *connections, schedule_at=at.isoformat())
    ours = [name for name in stack.members if name.startswith("publisher")]
    for name in ours:
        stack.kill(name)
    for name in ours:
        stack.start(name)
    person.urls.update(stack.urls)
    ended = person.watch([one["id"] for one in now + later], seconds=PATIENCE)
    assert [(one["status"], one["error"]) for one in ended] == [("published", None)] * 4
    for one in ended:
        assert len(sandbox.posts(platform=one["platform"], title=one["title"])) == 1


def test_logs_include_the_workers(person: Person, connect: Connect, ask: Ask, stack: Stack) -> None:
    (accepted,) = ask(person, connect(person, "telegram"))
    person.watch([accepted["id"]], seconds=PATIENCE)
    seen = [
        line["event"]
        for line in _lines(stack.home / "logs" / "publisher-dzen-telegram.log")
        if line.get("publication_id") == accepted["id"]
    ]
    assert seen[0] == "publish_job_start"
    assert seen[-1] == "publish_job_success"


def test_one_trace_id_follows_a_publication_through_every_service(
    person: Person, connect: Connect, ask: Ask, stack: Stack
) -> None:
    (accepted,) = ask(person, connect(person, "vk"))
    person.watch([accepted["id"]], seconds=PATIENCE, until=lambda one: one["stats"] is not None)
    path = f"/v1/publications/{accepted['id']}/timeline"
    timeline = person.ask("publisher", "GET", path)["items"]
    (trace,) = {line["trace_id"] for line in timeline}
    told = {
        line["service"]
        for file in (stack.home / "logs").glob("*.log")
        for line in _lines(file)
        if line.get("trace_id") == trace
    }
    assert {"publisher", "oauth-gateway"} <= told


def test_every_process_tells_health_and_metrics(stack: Stack) -> None:
    for name, member in stack.members.items():
        health = httpx.get(f"http://127.0.0.1:{member.port}/healthz", trust_env=False)
        assert health.status_code == 200, name
        if name != "sandbox":
            ready = httpx.get(f"http://127.0.0.1:{member.port}/readyz", trust_env=False).json()
            assert ready["ready"] is True, (name, ready)
            metrics = httpx.get(f"http://127.0.0.1:{member.port}/metrics", trust_env=False).text
            assert "process_cpu_seconds_total" in metrics, name


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines() if line.startswith("{")]
