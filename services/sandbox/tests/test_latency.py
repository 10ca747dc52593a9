"""Platforms that take their time, all alike."""

import httpx
import pytest

from sandbox.settings import Settings

LATENCY = 1.0


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"latency_seconds": LATENCY})


@pytest.mark.anyio
async def test_every_call_takes_that_long(client: httpx.AsyncClient) -> None:
    await client.post("/vk/method/users.get")
    (entry,) = (await client.get("/_journal")).json()
    assert entry["seconds"] >= LATENCY
