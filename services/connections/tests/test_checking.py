"""Asking the platform about an account: only a real refusal expires it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from support.gateway import Gateway

pytestmark = pytest.mark.anyio


@pytest.fixture
async def connection(api: httpx.AsyncClient) -> dict[str, Any]:
    body = {"platform": "rutube", "token": "rt"}
    found: dict[str, Any] = (await api.post("/v1/connections", json=body)).json()
    return found


async def _test(api: httpx.AsyncClient, connection: dict[str, Any], **headers: str) -> Any:
    answer = await api.post(f"/v1/connections/{connection['id']}/test", headers=headers)
    assert answer.status_code == 200
    return answer.json()


async def test_an_account_that_answers_is_checked_now(
    api: httpx.AsyncClient, connection: dict[str, Any]
) -> None:
    found = await _test(api, connection)
    assert (found["result"], found["status"]) == ("ok", "active")
    assert found["checked_at"] > connection["checked_at"]
    assert found["detail"]
    again = (await api.get(f"/v1/connections/{connection['id']}")).json()
    assert again["checked_at"] == found["checked_at"]


@pytest.mark.parametrize("reason", ["token_refused", "access_revoked", "account_blocked"])
async def test_a_refused_token_expires_it_and_that_is_told_once(
    api: httpx.AsyncClient,
    connection: dict[str, Any],
    gateway: Gateway,
    user: str,
    told: Callable[[str], Any],
    reason: str,
) -> None:
    gateway.checks[connection["id"]] = ("refused", reason)
    for _ in range(2):
        found = await _test(api, connection)
        assert (found["result"], found["status"]) == ("refused", "expired")
    facts = [fact for fact in await told(user) if fact["type"] == "ConnectionExpired.v1"]
    assert len(facts) == 1
    assert facts[0]["data"]["reason"] == reason
    assert facts[0]["aggregateversion"] == 2


@pytest.mark.parametrize(
    "reason", ["no_right", "bot_may_not_post", "not_a_member", "chat_not_found", None]
)
async def test_a_right_that_is_missing_is_said_and_expires_nothing(
    api: httpx.AsyncClient,
    connection: dict[str, Any],
    gateway: Gateway,
    user: str,
    told: Callable[[str], Any],
    reason: str | None,
) -> None:
    """The owner may give it back; the token is as good as before."""
    gateway.checks[connection["id"]] = ("refused", reason)
    found = await _test(api, connection)
    assert (found["result"], found["status"]) == ("refused", "active")
    assert (await api.get(f"/v1/connections/{connection['id']}")).json() == connection
    assert [fact["type"] for fact in await told(user)] == ["PlatformConnected.v1"]


async def test_why_it_was_refused_is_said_in_the_language_of_the_caller(
    api: httpx.AsyncClient, connection: dict[str, Any], gateway: Gateway
) -> None:
    gateway.checks[connection["id"]] = ("refused", "not_a_member")
    russian = await _test(api, connection)
    assert russian["detail"].startswith("Бот не состоит в канале")
    english = await _test(api, connection, **{"Accept-Language": "en"})
    assert english["detail"].startswith("The bot is not in the channel")


async def test_silence_changes_nothing(
    api: httpx.AsyncClient, connection: dict[str, Any], gateway: Gateway
) -> None:
    gateway.checks[connection["id"]] = ("unknown", None)
    found = await _test(api, connection)
    gateway.refuse("check", 500, "internal")
    failed = await _test(api, connection)
    assert {one["result"] for one in (found, failed)} == {"unknown"}
    assert (await api.get(f"/v1/connections/{connection['id']}")).json() == connection


async def test_reconnecting_heals_an_expired_account(
    api: httpx.AsyncClient, connection: dict[str, Any], gateway: Gateway
) -> None:
    gateway.checks[connection["id"]] = ("refused", "token_refused")
    await _test(api, connection)
    again = await api.post("/v1/connections", json={"platform": "rutube", "token": "rt"})
    assert again.status_code == 200
    assert (again.json()["id"], again.json()["status"]) == (connection["id"], "active")


@pytest.mark.parametrize("statement", ["grant_number = grant_number + 1", "removed_at = now()"])
async def test_an_answer_about_what_was_replaced_meanwhile_expires_nothing(
    api: httpx.AsyncClient,
    connection: dict[str, Any],
    gateway: Gateway,
    engine: AsyncEngine,
    user: str,
    told: Callable[[str], Any],
    statement: str,
) -> None:
    """The row changes while the platform is being asked."""
    gateway.checks[connection["id"]] = ("refused", "token_refused")
    gateway.gate = asyncio.Event()
    gateway.asked.clear()
    asking = asyncio.create_task(api.post(f"/v1/connections/{connection['id']}/test"))
    await asyncio.wait_for(gateway.asked.wait(), timeout=10)
    async with engine.begin() as link:
        await link.execute(
            text(f"UPDATE connections SET {statement} WHERE id = :id"),  # noqa: S608 - two constants
            {"id": connection["id"]},
        )
    gateway.gate.set()
    answer = await asking
    assert answer.status_code == (404 if "removed" in statement else 200)
    assert all(fact["type"] != "ConnectionExpired.v1" for fact in await told(user))
