"""How often one person may start connecting: five an hour, counted per request."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from support.gateway import Gateway
from support.people import bearer
from support.serving import serving

pytestmark = pytest.mark.anyio
RUTUBE = {"platform": "rutube", "token": "rt"}


@pytest.fixture
async def api(new_app: Callable[..., FastAPI], user: str) -> AsyncIterator[httpx.AsyncClient]:
    """The service with its usual allowance."""
    async with (
        serving(new_app(connect_rate="5/hour")) as url,
        httpx.AsyncClient(base_url=url, headers=bearer(user)) as client,
    ):
        yield client


async def _use_up(api: httpx.AsyncClient) -> None:
    for number in range(5):
        path = "/v1/connections/vk/authorize" if number % 2 else "/v1/connections"
        answer = await api.post(path, json={} if number % 2 else RUTUBE)
        assert answer.status_code < 300


async def test_a5_both_ways_of_connecting_share_one_allowance(
    api: httpx.AsyncClient, gateway: Gateway, user: str
) -> None:
    await _use_up(api)
    asked = len(gateway.calls)
    for path, body in (("/v1/connections", RUTUBE), ("/v1/connections/vk/authorize", {})):
        answer = await api.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        # An hour after the first of the five: the window is exact.
        assert 3500 < int(answer.headers["retry-after"]) <= 3601
    assert len(gateway.calls) == asked
    other = await api.post("/v1/connections", json=RUTUBE, headers=bearer(f"{user}-2"))
    assert other.status_code == 201


async def test_finishing_and_reading_are_not_counted(
    api: httpx.AsyncClient, gateway: Gateway, user: str
) -> None:
    await _use_up(api)
    finish = gateway.consent(user, "vk", "1")
    answer = await api.post("/v1/connections/finish", json={"finish": finish})
    assert answer.status_code == 201
    assert (await api.get("/v1/connections")).status_code == 200


async def test_requests_that_are_refused_count_too_but_429_comes_last(
    api: httpx.AsyncClient, user: str
) -> None:
    for _ in range(5):
        refused = await api.post(
            "/v1/connections/vk/authorize", json={}, headers=bearer(user, "free")
        )
        assert refused.status_code == 403
    still = await api.post("/v1/connections/vk/authorize", json={}, headers=bearer(user, "free"))
    assert still.json()["code"] == "plan_required"
    assert (await api.post("/v1/connections", json={"x": 1})).status_code == 422
    assert (await api.post("/v1/connections", json=RUTUBE)).status_code == 429


async def test_a_replay_is_answered_even_when_the_allowance_is_used_up(
    api: httpx.AsyncClient,
) -> None:
    key = {"Idempotency-Key": "k"}
    first = await api.post("/v1/connections", json=RUTUBE, headers=key)
    await api.post("/v1/connections", json={})
    for _ in range(6):
        await api.post("/v1/connections", json=RUTUBE)
    replayed = await api.post("/v1/connections", json=RUTUBE, headers=key)
    assert replayed.json() == first.json()


class TestWithoutRedis:
    """The allowance is then kept per process, and nothing else suffers."""

    @pytest.fixture
    def settings_values(self, settings_values: dict[str, Any]) -> dict[str, Any]:
        return settings_values | {"redis_url": "redis://127.0.0.1:1/0"}

    async def test_a5_the_allowance_still_holds_and_the_service_is_ready(
        self, api: httpx.AsyncClient
    ) -> None:
        await _use_up(api)
        assert (await api.post("/v1/connections", json=RUTUBE)).status_code == 429
        ready = await api.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["redis"]["ok"]) == (200, False)
