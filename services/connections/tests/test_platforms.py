"""What people learn about a platform before they connect it."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from platforms.settings import PlatformUrls
from support.people import bearer
from support.serving import serving

pytestmark = pytest.mark.anyio


async def test_each_platform_tells_how_it_connects_and_what_it_takes(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.get("/v1/platforms")
    found = {one["platform"]: one for one in answer.json()["items"]}
    assert {name: one["connect"] for name, one in found.items()} == {
        "vk": "oauth",
        "dzen": "oauth",
        "rutube": "token",
        "telegram": "token",
    }
    assert [name for name, one in found.items() if one["experimental"]] == ["dzen"]
    assert found["vk"]["limits"]["title"] == 128
    assert found["telegram"]["limits"]["joined"] == 1024
    assert found["telegram"]["limits"]["file_bytes"] == 50_000_000
    assert "group_id" in found["vk"]["options_schema"]["properties"]
    assert answer.json()["next_cursor"] is None


class TestWithoutDzen:
    """Its address has no default, so in production it is off until somebody sets one."""

    @pytest.fixture
    def urls(self) -> PlatformUrls:
        return PlatformUrls(dzen_api_url=None)

    async def test_it_is_not_offered_and_can_not_be_connected(
        self, new_app: Any, user: str
    ) -> None:
        app: FastAPI = new_app()
        async with (
            serving(app) as url,
            httpx.AsyncClient(base_url=url, headers=bearer(user)) as api,
        ):
            items = (await api.get("/v1/platforms")).json()["items"]
            assert {one["platform"] for one in items} == {"vk", "rutube", "telegram"}
            refused = await api.post("/v1/connections/dzen/authorize", json={})
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
