"""Connecting accounts: by the platform's consent page, and by a pasted token."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from support.gateway import Gateway
from support.people import bearer

pytestmark = pytest.mark.anyio
RUTUBE = {"platform": "rutube", "token": "rt"}
TELEGRAM = {"platform": "telegram", "token": "tg", "channel": "@clips"}


async def test_authorizing_answers_the_platforms_own_page(
    api: httpx.AsyncClient, gateway: Gateway, user: str
) -> None:
    answer = await api.post("/v1/connections/vk/authorize", json={"return_to": "settings"})
    assert answer.status_code == 200
    assert answer.json()["authorize_url"].startswith("https://vk.example.org/authorize?state=")
    assert answer.json()["expires_at"].endswith("Z")
    assert gateway.calls == [("flow", {"platform": "vk", "user_id": user, "return_to": "settings"})]


async def test_authorizing_needs_no_body(api: httpx.AsyncClient) -> None:
    assert (await api.post("/v1/connections/dzen/authorize")).status_code == 200


async def test_finishing_connects_the_account(
    api: httpx.AsyncClient, gateway: Gateway, user: str, told: Callable[[str], Any]
) -> None:
    finish = gateway.consent(user, "vk", "100")
    answer = await api.post("/v1/connections/finish", json={"finish": finish})
    assert answer.status_code == 201
    found = answer.json()
    assert set(found) == {
        "id", "platform", "status", "experimental", "account", "granted", "expires_at",
        "checked_at", "created_at",
    }  # fmt: skip
    assert found["account"] == {
        "id": "100",
        "name": "Name of 100",
        "avatar_url": "https://img.example.org/a.jpg",
        "url": None,
    }
    assert (found["status"], found["experimental"], found["granted"]) == (
        "active",
        False,
        ["video"],
    )
    (fact,) = await told(user)
    assert fact["type"] == "PlatformConnected.v1"
    assert fact["aggregateversion"] == 1
    assert fact["data"] == {
        "connection_id": found["id"],
        "user_id": user,
        "platform": "vk",
        "account_id": "100",
        "account_name": "Name of 100",
    }


async def test_dzen_is_labelled_experimental(
    api: httpx.AsyncClient, gateway: Gateway, user: str
) -> None:
    finish = gateway.consent(user, "dzen", "200")
    answer = await api.post("/v1/connections/finish", json={"finish": finish})
    assert answer.json()["experimental"] is True


async def test_a_link_sent_to_somebody_else_connects_nothing(
    api: httpx.AsyncClient, gateway: Gateway, user: str
) -> None:
    finish = gateway.consent(user, "vk", "100")
    stranger = bearer(f"{user}-stranger")
    body = {"finish": finish}
    stolen = await api.post("/v1/connections/finish", json=body, headers=stranger)
    assert (stolen.status_code, stolen.json()["code"]) == (403, "state_invalid")
    late = await api.post("/v1/connections/finish", json=body)
    assert (late.status_code, late.json()["code"]) == (403, "state_invalid")
    assert (await api.get("/v1/connections")).json()["items"] == []
    assert (await api.get("/v1/connections", headers=stranger)).json()["items"] == []


@pytest.mark.parametrize("body", [RUTUBE, TELEGRAM])
async def test_a_pasted_token_connects_and_never_comes_back(
    api: httpx.AsyncClient, gateway: Gateway, user: str, body: dict[str, str]
) -> None:
    answer = await api.post("/v1/connections", json=body)
    assert answer.status_code == 201
    assert answer.json()["account"]["id"] == f"account-of-{body['token']}"
    assert gateway.calls == [("store", body | {"user_id": user})]
    assert "token" not in answer.json()


async def test_connecting_the_same_account_again_updates_it_and_keeps_its_id(
    api: httpx.AsyncClient, user: str, told: Callable[[str], Any]
) -> None:
    first = await api.post("/v1/connections", json=RUTUBE)
    again = await api.post("/v1/connections", json=RUTUBE)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert len((await api.get("/v1/connections")).json()["items"]) == 1
    facts = await told(user)
    assert [fact["aggregateversion"] for fact in facts] == [1, 2]


async def test_two_people_may_connect_the_same_account(api: httpx.AsyncClient, user: str) -> None:
    mine = await api.post("/v1/connections", json=RUTUBE)
    theirs = await api.post("/v1/connections", json=RUTUBE, headers=bearer(f"{user}-2"))
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_several_accounts_of_one_platform_stand_side_by_side(api: httpx.AsyncClient) -> None:
    for token in ("one", "two"):
        await api.post("/v1/connections", json=RUTUBE | {"token": token})
    assert len((await api.get("/v1/connections")).json()["items"]) == 2


async def test_connecting_a_removed_account_again_is_new(api: httpx.AsyncClient) -> None:
    first = await api.post("/v1/connections", json=RUTUBE)
    await api.delete(f"/v1/connections/{first.json()['id']}")
    again = await api.post("/v1/connections", json=RUTUBE)
    assert again.status_code == 201
    assert len((await api.get("/v1/connections")).json()["items"]) == 1


async def test_two_finishes_at_once_leave_one_connection(
    api: httpx.AsyncClient, gateway: Gateway, user: str, told: Callable[[str], Any]
) -> None:
    finishes = [gateway.consent(user, "vk", "100") for _ in range(8)]
    answers = await asyncio.gather(
        *(api.post("/v1/connections/finish", json={"finish": one}) for one in finishes)
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await api.get("/v1/connections")).json()["items"]) == 1
    versions = [fact["aggregateversion"] for fact in await told(user)]
    assert versions == sorted(set(versions))


@pytest.mark.parametrize("removed", [False, True])
async def test_an_older_answer_that_comes_late_neither_undoes_nor_revives(
    api: httpx.AsyncClient, gateway: Gateway, user: str, told: Callable[[str], Any], removed: bool
) -> None:
    path = "/v1/connections/finish"
    first, second = [{"finish": gateway.consent(user, "vk", "100")} for _ in range(2)]
    gateway.gate = held = asyncio.Event()
    late = asyncio.create_task(api.post(path, json=first))
    await asyncio.wait_for(gateway.asked.wait(), timeout=10)
    gateway.gate = None
    known = (await api.post(path, json=second)).json()
    if removed:
        await api.delete(f"/v1/connections/{known['id']}")
    facts = await told(user)
    held.set()
    answer = await late
    if removed:
        assert (answer.status_code, answer.json()["code"]) == (403, "state_invalid")
        assert (await api.get("/v1/connections")).json()["items"] == []
    else:
        assert (answer.status_code, answer.json()) == (200, known)
    assert await told(user) == facts


async def test_renewing_needs_a_connection_of_ones_own_on_that_platform(
    api: httpx.AsyncClient, gateway: Gateway, user: str
) -> None:
    finish = gateway.consent(user, "vk", "100")
    known = (await api.post("/v1/connections/finish", json={"finish": finish})).json()["id"]
    body = {"connection_id": known}
    good = await api.post("/v1/connections/vk/authorize", json=body)
    other_platform = await api.post("/v1/connections/dzen/authorize", json=body)
    foreign = await api.post("/v1/connections/vk/authorize", json=body, headers=bearer(f"{user}-2"))
    assert [one.status_code for one in (good, other_platform, foreign)] == [200, 404, 404]
    assert gateway.calls[-1] == (
        "flow",
        {"platform": "vk", "user_id": user, "connection_id": known},
    )
