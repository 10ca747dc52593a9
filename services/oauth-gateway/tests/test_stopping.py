"""A process that is asked to end while a platform answers slowly keeps what the platform gave."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from common.auth.services import sign
from localrun.ports import LOOPBACK, free_port
from oauth_gateway.db.tables import credentials
from oauth_gateway.wiring import NAME
from support.processes import task
from support.real_gateway import CALLERS, RealGateway
from support.waiting import eventually

pytestmark = pytest.mark.anyio
BEYOND_A_TASK = 8.0
"""More seconds than a worker's task gets to end."""
BEYOND_A_REQUEST = 13.0
"""More seconds than a request gets to end."""


@dataclass(frozen=True, slots=True)
class Running:
    """A ready process, which the test itself asks to end."""

    process: "subprocess.Popen[bytes]"
    url: str

    async def ready(self) -> bool:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

    async def stop(self) -> int:
        """SIGTERM; the code it exits with."""
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, 45)


Start = Callable[[str], Running]


@pytest.fixture
def start(settings: dict[str, str]) -> Iterator[Start]:
    """Start processes of the gateway; those that still run in the end are killed."""
    with ExitStack() as stack:

        def begin(kind: str) -> Running:
            port = free_port()
            path = os.pathsep.join(one for one in sys.path if one)
            variable = "HTTP_PORT" if kind == "http" else "METRICS_PORT"
            process = subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
                [sys.executable, "-m", "oauth_gateway", kind],
                env={"PATH": os.environ["PATH"], "PYTHONPATH": path, variable: str(port)}
                | settings,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return Running(process, f"http://{LOOPBACK}:{port}")

        yield begin


@pytest.fixture
async def linked(gateway: RealGateway, user: str) -> dict[str, Any]:
    """A VK account whose replaced tokens are worth nothing, as VK ID has it."""
    gateway.sandbox.switch(vkid_reuse_revokes_family=True, vkid_refresh_kills_access=True)
    return await gateway.connect(user)


async def asked(gateway: RealGateway) -> None:
    async def refreshing() -> bool:
        return gateway.seen("vkid", "refresh") == 1

    await eventually(refreshing)


async def new_pair_works(gateway: RealGateway, linked: dict[str, Any]) -> bool:
    query = select(credentials).where(credentials.c.connection_id == linked["connection_id"])
    async with gateway.parts.engine.connect() as connection:
        row = (await connection.execute(query)).one()
    assert (row.version, row.lease) == (2, None)
    return await gateway.check(linked["connection_id"]) == {"result": "ok", "detail": ""}


async def test_a_worker_that_renews_ahead_of_time_stores_the_new_pair_before_it_ends(
    gateway: RealGateway, settings: dict[str, str], start: Start, linked: dict[str, Any]
) -> None:
    task("oauth_gateway", "topology", settings)
    gateway.sandbox.fail("vkid", "refresh", "slow", seconds=BEYOND_A_TASK)
    worker = start("worker")
    await eventually(worker.ready, 60)
    async with gateway.parts.engine.begin() as connection:
        await connection.execute(
            update(credentials)
            .where(credentials.c.connection_id == linked["connection_id"])
            .values(refresh_at=datetime.now(UTC))
        )
    await asked(gateway)
    assert await worker.stop() == 0
    assert await new_pair_works(gateway, linked)


async def test_an_http_process_that_renews_on_demand_stores_the_new_pair_before_it_ends(
    gateway: RealGateway, start: Start, linked: dict[str, Any]
) -> None:
    gateway.sandbox.fail("vkid", "refresh", "slow", seconds=BEYOND_A_REQUEST)
    server = start("http")
    await eventually(server.ready, 60)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60) as client:
        path = f"/internal/v1/credentials/{linked['connection_id']}/access-token"
        proof = f"Bearer {sign('publisher', NAME, CALLERS['publisher'])}"
        calling = asyncio.create_task(
            client.post(path, json={"refused_version": 1}, headers={"Authorization": proof})
        )
        await asked(gateway)
        assert await server.stop() == 0
        await asyncio.gather(calling, return_exceptions=True)  # cut short; the caller asks again
    assert await new_pair_works(gateway, linked)
