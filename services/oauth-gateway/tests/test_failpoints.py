"""Killed between a platform's answer and the commit: at worst the account is connected anew."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from common.auth.services import sign
from common.db.unit_of_work import OUTBOX
from common.ids import new_id
from oauth_gateway.app.erase_credential import erase_credential
from oauth_gateway.app.refresh_due import refresh_due
from oauth_gateway.db.repositories import LEASE
from oauth_gateway.db.tables import credentials
from oauth_gateway.wiring import NAME
from support.processes import process, task
from support.real_gateway import CALLERS, RealGateway
from support.waiting import eventually

pytestmark = pytest.mark.anyio
Dying = Callable[[str], AbstractAsyncContextManager["Victim"]]


class Victim(httpx.AsyncClient):
    """A real http process that dies at its point."""

    async def dies_of(self, method: str, path: str, body: Any, caller: str = "connections") -> None:
        """Our service gets no answer to this call."""
        proof = f"Bearer {sign(caller, NAME, CALLERS[caller])}"
        path = f"/internal/v1{path}"
        with pytest.raises(httpx.RemoteProtocolError):
            await self.request(method, path, json=body, headers={"Authorization": proof})


@pytest.fixture
def dying(settings: dict[str, str], tmp_path: Path) -> Dying:
    """Starts a process that is killed at a point."""

    @asynccontextmanager
    async def start(point: str) -> AsyncIterator[Victim]:
        (tmp_path / point).write_text("kill9")
        with process("oauth_gateway", "http", settings={**settings, **failing(tmp_path)}) as url:
            async with Victim(base_url=url, trust_env=False, timeout=30) as victim:
                yield victim
        assert (tmp_path / "fired").exists()

    return start


def failing(folder: Path) -> dict[str, str]:
    return {"FAILPOINTS": str(folder)}


async def rows(gateway: RealGateway, user: str) -> list[Any]:
    query = select(credentials).where(credentials.c.user_id == user)
    async with gateway.parts.engine.connect() as connection:
        return list(await connection.execute(query))


async def lease_runs_out(gateway: RealGateway, user: str) -> None:
    """What the dead process held is free after a minute at most; the test does not wait for it."""
    [row] = await rows(gateway, user)
    assert row.lease is not None
    assert row.leased_until - datetime.now(UTC) <= LEASE
    past = datetime.now(UTC) - timedelta(seconds=1)
    async with gateway.parts.engine.begin() as connection:
        await connection.execute(
            update(credentials).where(credentials.c.user_id == user).values(leased_until=past)
        )


async def told(gateway: RealGateway, linked: dict[str, Any]) -> list[str]:
    query = select(OUTBOX.c.body).where(OUTBOX.c.body["subject"].astext == linked["connection_id"])
    async with gateway.parts.engine.connect() as connection:
        return [row.body["type"] for row in await connection.execute(query)]


async def dies_refreshing(victim: Victim, linked: dict[str, Any]) -> None:
    path = f"/credentials/{linked['connection_id']}/access-token"
    await victim.dies_of("POST", path, {"refused_version": 1}, "publisher")


async def test_v8_a_pair_that_was_lost_with_the_process_expires_the_connection(
    gateway: RealGateway, user: str, dying: Dying
) -> None:
    gateway.sandbox.switch(vkid_reuse_revokes_family=True, vkid_refresh_kills_access=True)
    linked = await gateway.connect(user)
    async with dying("oauth-gateway.refreshed") as victim:
        await dies_refreshing(victim, linked)
    await lease_runs_out(gateway, user)
    for _ in range(10):
        assert (await gateway.lease(linked["connection_id"], 1)).status_code == 410
        while await refresh_due(gateway.parts.ports):
            pass
    assert gateway.seen("vkid", "refresh") == 2  # the lost one, and the one that was refused
    assert await told(gateway, linked) == ["TokenRefreshFailed.v1"]
    assert (await gateway.check(linked["connection_id"]))["result"] == "refused"
    again = await gateway.connect(user, connection_id=linked["connection_id"])
    assert again["connection_id"] == linked["connection_id"]
    assert (await gateway.check(linked["connection_id"]))["result"] == "ok"


async def test_a_lost_pair_costs_nothing_where_the_old_one_stays_good(
    gateway: RealGateway, user: str, dying: Dying
) -> None:
    linked = await gateway.connect(user, "dzen")
    async with dying("oauth-gateway.refreshed") as victim:
        await dies_refreshing(victim, linked)
    await lease_runs_out(gateway, user)
    assert (await gateway.lease(linked["connection_id"], 1)).json()["version"] == 2
    assert await told(gateway, linked) == ["TokenRefreshed.v1"]


async def test_v8_a_refresh_that_was_not_asked_for_yet_is_done_by_the_next(
    gateway: RealGateway, user: str, dying: Dying
) -> None:
    gateway.sandbox.switch(vkid_reuse_revokes_family=True)
    linked = await gateway.connect(user)
    async with dying("oauth-gateway.refreshing") as victim:
        await dies_refreshing(victim, linked)
    await lease_runs_out(gateway, user)
    assert (await gateway.lease(linked["connection_id"], 1)).json()["version"] == 2
    assert gateway.seen("vkid", "refresh") == 1


async def test_v8_a_stored_pair_is_there_for_whoever_asks_again(
    gateway: RealGateway, user: str, dying: Dying
) -> None:
    linked = await gateway.connect(user)
    async with dying("oauth-gateway.stored") as victim:
        await dies_refreshing(victim, linked)
    assert (await gateway.lease(linked["connection_id"], 1)).json()["version"] == 2
    assert gateway.seen("vkid", "refresh") == 1
    assert await told(gateway, linked) == ["TokenRefreshed.v1"]


async def test_a_flow_that_died_with_its_code_is_started_again(
    gateway: RealGateway, user: str, dying: Dying
) -> None:
    finish = await gateway.consent(user)
    async with dying("oauth-gateway.exchanged") as victim:
        await victim.dies_of("POST", f"/flows/{finish}/finish", {"user_id": user})
    assert (await gateway.finish(finish, user)).json()["code"] == "state_invalid"
    assert await rows(gateway, user) == []
    linked = await gateway.connect(user)
    assert linked["grant_number"] == 1
    assert (await gateway.check(linked["connection_id"]))["result"] == "ok"


async def test_a_pasted_token_is_simply_pasted_again(
    gateway: RealGateway, user: str, dying: Dying
) -> None:
    bot = gateway.sandbox.account("telegram")
    path = f"/credentials/{new_id()}"
    body = {"platform": "telegram", "user_id": user, "token": bot["token"]}
    body["channel"] = str(bot["chat_id"])
    async with dying("oauth-gateway.verified") as victim:
        await victim.dies_of("PUT", path, body)
    assert await rows(gateway, user) == []
    assert (await gateway.call("PUT", path, body)).status_code == 200
    assert len(await rows(gateway, user)) == 1


@pytest.mark.parametrize("point", ["oauth-gateway.revoking", "oauth-gateway.revoked"])
async def test_tokens_are_erased_whenever_the_worker_dies(
    gateway: RealGateway, user: str, settings: dict[str, str], tmp_path: Path, point: str
) -> None:
    task("oauth_gateway", "topology", settings)
    gateway.sandbox.consent(mode="allow", account=str(gateway.sandbox.account("vk")["user_id"]))
    linked = await gateway.connect(user)
    (tmp_path / point).write_text("kill9")
    with process("oauth_gateway", "worker", settings={**settings, **failing(tmp_path)}):
        async with gateway.parts.ports.begin() as work:
            await work.erasing.mark_erasing(linked["connection_id"], linked["grant_number"])

        async def fired() -> bool:
            return (tmp_path / "fired").exists()

        await eventually(fired)
    assert (await gateway.lease(linked["connection_id"])).status_code == 410
    await lease_runs_out(gateway, user)
    while await erase_credential(gateway.parts.ports):
        pass
    assert await rows(gateway, user) == []
    revoked = [one for one in gateway.sandbox.journal() if one["step"] == "revoke"]
    assert revoked
