"""`Idempotency-Key`: one effect, one answer, however often and however fast it is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from support.gateway import Gateway
from support.people import bearer

pytestmark = pytest.mark.anyio
RUTUBE = {"platform": "rutube", "token": "rt"}
KEY = {"Idempotency-Key": "k-1"}


async def test_a_repeated_request_gets_the_stored_answer(
    api: httpx.AsyncClient, gateway: Gateway, user: str, told: Callable[[str], Any]
) -> None:
    first = await api.post("/v1/connections", json=RUTUBE, headers=KEY)
    again = await api.post("/v1/connections", json=RUTUBE, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert gateway.count("store") == 1
    assert len(await told(user)) == 1


async def test_a4_every_post_can_be_repeated(
    api: httpx.AsyncClient, gateway: Gateway, user: str
) -> None:
    finish = {"finish": gateway.consent(user, "vk", "100")}
    connected = await api.post("/v1/connections/finish", json=finish, headers=KEY)
    test = f"/v1/connections/{connected.json()['id']}/test"
    for path, body in (
        ("/v1/connections/finish", finish),
        ("/v1/connections/vk/authorize", {}),
        (test, None),
    ):
        one = await api.post(path, json=body, headers=KEY)
        two = await api.post(path, json=body, headers=KEY)
        assert two.json() == one.json()
        assert two.headers["idempotent-replayed"] == "true"
    assert [gateway.count(kind) for kind in ("finish", "flow", "check")] == [1, 1, 1]


async def test_a4_the_same_key_with_another_body_is_refused(api: httpx.AsyncClient) -> None:
    await api.post("/v1/connections", json=RUTUBE, headers=KEY)
    answer = await api.post("/v1/connections", json=RUTUBE | {"token": "other"}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


async def test_a4_a_key_belongs_to_its_user(api: httpx.AsyncClient, user: str) -> None:
    mine = await api.post("/v1/connections", json=RUTUBE, headers=KEY)
    theirs = await api.post("/v1/connections", json=RUTUBE, headers=KEY | bearer(f"{user}-2"))
    assert theirs.status_code == 201
    assert theirs.json()["id"] != mine.json()["id"]


async def test_a_refusal_is_not_kept(api: httpx.AsyncClient, gateway: Gateway) -> None:
    gateway.refuse("store", 422, "token_refused")
    refused = await api.post("/v1/connections", json=RUTUBE, headers=KEY)
    accepted = await api.post("/v1/connections", json=RUTUBE, headers=KEY)
    assert (refused.status_code, accepted.status_code) == (422, 201)


async def test_a4_twenty_at_once_have_one_effect(
    api: httpx.AsyncClient, gateway: Gateway, user: str, told: Callable[[str], Any]
) -> None:
    gateway.gate = asyncio.Event()
    asked = [
        asyncio.create_task(api.post("/v1/connections", json=RUTUBE, headers=KEY))
        for _ in range(20)
    ]
    done, waiting = await asyncio.wait(asked, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    while len(waiting) > 1:
        more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    for task in done:
        assert task.result().json()["code"] == "idempotency_in_flight"
        assert task.result().status_code == 409
        assert int(task.result().headers["retry-after"]) >= 1
    gateway.gate.set()
    (last,) = waiting
    assert (await last).status_code == 201
    replayed = await api.post("/v1/connections", json=RUTUBE, headers=KEY)
    assert replayed.json() == (await last).json()
    assert gateway.count("store") == 1
    assert len(await told(user)) == 1
