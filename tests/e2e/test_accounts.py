"""Accounts over all processes: disconnected, connected again, several of them, refused."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from e2e.conftest import Ask, Connect, Sandbox
from localrun.person import Person, Refused
from stack import Stack
from support.waiting import wait_for

PATIENCE = 40.0
CONNECTIONS = "/v1/connections"
GIVING_BACK = {"vk": "vkid", "dzen": "yandex"}
EARLY = {"vk": ("vk", "video.save"), "dzen": ("dzen", "draft")}
"""The step before anything can be seen."""


def ahead(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def holding(stack: Stack, service: str, value: str) -> list[str]:
    """The tables of a service in which a value stands, outbox and kept answers among them."""

    async def look() -> list[str]:
        database = await asyncpg.connect(stack.stores.databases[service])
        try:
            names = await database.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            found = []
            for (name,) in names:
                query = f'SELECT count(*) FROM "{name}" t WHERE t::text LIKE $1'  # noqa: S608 - names from the catalogue
                if await database.fetchval(query, f"%{value}%"):
                    found.append(name)
            return found
        finally:
            await database.close()

    return asyncio.run(look())


def revoked(sandbox: Sandbox, platform: str) -> int:
    """How often the platform took rights back at our wish; nobody else disconnects meanwhile."""
    query = {"platform": GIVING_BACK[platform], "step": "revoke"}
    journal = httpx.get(f"{sandbox.url}/_journal", params=query, trust_env=False).json()
    return sum(one["answer"]["status"] == 200 for one in journal)


@pytest.mark.parametrize("platform", ["vk", "dzen"])
def test_disconnecting_takes_everything_back(
    person: Person, connect: Connect, ask: Ask, sandbox: Sandbox, stack: Stack, platform: str
) -> None:
    connection = connect(person, platform)
    path = f"{CONNECTIONS}/{connection['id']}"
    (later,) = ask(person, connection, schedule_at=ahead(300))
    sandbox.fail(*EARLY[platform], "error_503", times=50)
    (flying,) = ask(person, connection)
    person.watch([flying["id"]], seconds=PATIENCE, until=lambda one: one["attempt"] > 0)
    before = revoked(sandbox, platform)

    person.ask("connections", "DELETE", path)
    with pytest.raises(Refused) as refused:
        person.ask("connections", "GET", path)
    assert refused.value.status == 404
    assert person.ask("connections", "GET", CONNECTIONS)["items"] == []
    ended = person.watch([later["id"], flying["id"]], seconds=PATIENCE)
    assert [one["status"] for one in ended] == ["cancelled", "cancelled"]
    sandbox.calm()
    assert sandbox.posts(title=flying["title"]) == []
    with pytest.raises(Refused) as refused:
        ask(person, connection)
    assert refused.value.problem["code"] == "not_found"

    wait_for(lambda: "credentials" not in holding(stack, "oauth-gateway", connection["id"]), 90)
    assert revoked(sandbox, platform) == before + 1


def test_connecting_the_same_account_again_keeps_its_id_and_sends_what_was_held(
    person: Person, ask: Ask, sandbox: Sandbox
) -> None:
    token = sandbox.account("rutube")["token"]
    connection = person.connect_by_token("rutube", token)
    path = f"{CONNECTIONS}/{connection['id']}"
    sandbox.fail("rutube", "list", "token_refused", times=2)
    tested = person.ask("connections", "POST", f"{path}/test")
    sandbox.calm()
    assert (tested["result"], tested["status"]) == ("refused", "expired")
    assert person.ask("connections", "GET", path)["status"] == "expired"

    def refused() -> bool:
        try:
            ask(person, connection)
        except Refused as refusal:
            return bool(refusal.problem["code"] == "connection_expired")
        return False

    wait_for(refused)  # publisher hears of it over the bus

    again = person.connect_by_token("rutube", token)
    assert (again["id"], again["status"]) == (connection["id"], "active")
    (waiting,) = ask(person, again, schedule_at=ahead(3))
    sandbox.fail("rutube", "list", "token_refused", times=2)
    person.ask("connections", "POST", f"{path}/test")
    sandbox.calm()
    person.watch(
        [waiting["id"]], seconds=PATIENCE, until=lambda one: one["hold"] == "connection_expired"
    )
    person.connect_by_token("rutube", token)
    (ended,) = person.watch([waiting["id"]], seconds=PATIENCE)
    assert ended["status"] == "published"
    assert ended["connection_id"] == connection["id"]


def test_another_account_than_before_is_another_connection_and_never_takes_its_place(
    person: Person, sandbox: Sandbox
) -> None:
    mine, other = (sandbox.account("vk")["account"] for _ in range(2))
    connection = person.connect_by_consent("vk", mine)
    with pytest.raises(Refused) as refused:
        person.connect_by_consent("vk", other, connection_id=connection["id"])
    assert (refused.value.status, refused.value.problem["code"]) == (409, "account_mismatch")
    assert person.ask("connections", "GET", CONNECTIONS)["items"] == [connection]
    tested = person.ask("connections", "POST", f"{CONNECTIONS}/{connection['id']}/test")
    assert tested["result"] == "ok"

    second = person.connect_by_consent("vk", other)
    renewed = person.connect_by_consent("vk", mine, connection_id=connection["id"])
    assert second["id"] != connection["id"] == renewed["id"]
    items = person.ask("connections", "GET", CONNECTIONS)["items"]
    assert [one["id"] for one in items] == [second["id"], connection["id"]]
    for one, account in zip(items, (other, mine), strict=True):
        assert one["account"]["id"] == account
        assert one["account"]["name"]
        assert one["account"]["avatar_url"].startswith("http")
        assert "video" in one["granted"]
        assert datetime.fromisoformat(one["expires_at"]) > datetime.now(UTC)
        assert (one["platform"], one["status"]) == ("vk", "active")
        assert datetime.fromisoformat(one["checked_at"]) <= datetime.now(UTC)


@pytest.mark.parametrize("kind", ["error_500", "error_429", "timeout", "html"])
def test_silence_and_nonsense_expire_nothing(person: Person, sandbox: Sandbox, kind: str) -> None:
    connection = person.connect_by_token("rutube", sandbox.account("rutube")["token"])
    path = f"{CONNECTIONS}/{connection['id']}"
    kind = "rate_limited" if kind == "error_429" else kind
    sandbox.fail("rutube", "list", kind, times=5)
    tested = person.ask("connections", "POST", f"{path}/test")
    sandbox.calm()
    assert (tested["result"], tested["status"]) == ("unknown", "active")
    assert person.ask("connections", "GET", path) == connection


@pytest.mark.parametrize(
    ("language", "right", "advice"),
    [
        ("ru", "«Публикация сообщений»", "администратором"),
        ("en", "“Post Messages”", "administrator"),
    ],
)
def test_a_bot_without_the_right_to_post_is_refused_with_words_that_help(
    newcomer: Callable[..., Person], sandbox: Sandbox, language: str, right: str, advice: str
) -> None:
    person = newcomer(language=language)
    for order in ({"can_post_messages": False}, {"status": "member"}, {"status": "left"}):
        bot = sandbox.account("telegram", **order)
        with pytest.raises(Refused) as refused:
            person.connect_by_token("telegram", bot["token"], channel=bot["channel"])
        assert refused.value.status == 422
        assert refused.value.problem["code"] == "no_right_to_post"
        assert right in refused.value.problem["detail"]
        assert advice in refused.value.problem["detail"]
    assert person.ask("connections", "GET", CONNECTIONS)["items"] == []


def test_a_bot_that_loses_its_right_is_told_by_the_check_and_needs_no_new_token(
    person: Person, sandbox: Sandbox
) -> None:
    bot = sandbox.account("telegram")
    connection = person.connect_by_token("telegram", bot["token"], channel=bot["channel"])
    path = f"{CONNECTIONS}/{connection['id']}/test"
    mine = {"token": bot["token"], "chat_id": bot["chat_id"]}
    sandbox.account("telegram", **mine, can_post_messages=False)
    tested = person.ask("connections", "POST", path)
    assert (tested["result"], tested["status"]) == ("refused", "active")
    assert "“Post Messages”" in tested["detail"]
    sandbox.account("telegram", **mine)
    assert person.ask("connections", "POST", path)["result"] == "ok"
