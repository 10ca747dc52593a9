"""Whoever asks, and from however many processes: a refresh token is sent once (V8)."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.processes import process
from support.real_gateway import RealGateway

from .rotating import environment_of

pytestmark = pytest.mark.anyio
PROCESSES = 50
HOUR = 3700
CROWD = Path(__file__).with_name("crowd.py")


@pytest.fixture
async def linked(gateway: RealGateway, user: str) -> dict[str, Any]:
    """A VK account whose access token is dead, and whose family dies when a token is sent twice."""
    gateway.sandbox.switch(vkid_reuse_revokes_family=True, vkid_refresh_kills_access=True)
    linked = await gateway.connect(user)
    gateway.sandbox.control.post("/_clock", json={"advance_seconds": HOUR})
    return linked


@pytest.fixture
async def outside(
    gateway: RealGateway, settings: dict[str, str]
) -> AsyncIterator[list[RealGateway]]:
    """Three http processes."""
    async with AsyncExitStack() as stack:
        processes = stack.enter_context(ExitStack())
        found = []
        for _ in range(3):
            url = processes.enter_context(process("oauth_gateway", "http", settings=settings))
            client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=60)
            await stack.enter_async_context(client)
            found.append(RealGateway(gateway.parts, client, gateway.sandbox))
        yield found


async def renewed_once(gateway: RealGateway, linked: dict[str, Any]) -> None:
    """One refresh left us, and the family is alive: the next one works too."""
    assert gateway.seen("vkid", "refresh") == 1
    assert await gateway.check(linked["connection_id"]) == {"result": "ok", "detail": ""}
    assert (await gateway.lease(linked["connection_id"], 2)).json()["version"] == 3
    assert await gateway.check(linked["connection_id"]) == {"result": "ok", "detail": ""}


@pytest.mark.timeout(240)
async def test_v8_fifty_processes_with_a_dead_token_cause_one_refresh(
    gateway: RealGateway, settings: dict[str, str], linked: dict[str, Any]
) -> None:
    crowd = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(CROWD), linked["connection_id"], str(PROCESSES)],
        env=environment_of(settings),
        stdout=subprocess.PIPE,
        timeout=200,
        check=True,
    )
    lines = [json.loads(line) for line in crowd.stdout.splitlines()]
    got = [one for one in lines if "event" not in one]
    assert [one.get("version") for one in got] == [2] * PROCESSES
    assert len({one["token"] for one in got}) == 1
    await renewed_once(gateway, linked)


@pytest.mark.timeout(240)
async def test_v8_fifty_callers_of_three_processes_cause_one_refresh(
    gateway: RealGateway, outside: list[RealGateway], linked: dict[str, Any]
) -> None:
    asked = [outside[turn % 3].lease(linked["connection_id"], 1) for turn in range(50)]
    answers = await asyncio.gather(*asked)
    assert [one.status_code for one in answers] == [200] * 50
    assert {one.json()["version"] for one in answers} == {2}
    assert len({one.json()["access_token"] for one in answers}) == 1
    await renewed_once(gateway, linked)
