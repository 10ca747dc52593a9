"""What was disconnected is given back with the tokens that live, whatever happens meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from common.ids import new_id
from oauth_gateway.app.erase_credential import erase_credential
from oauth_gateway.db.tables import credentials
from oauth_gateway.domain.credential import Times
from support.real_gateway import RealGateway
from support.waiting import eventually

pytestmark = pytest.mark.anyio
PAST = datetime(2026, 1, 1, tzinfo=UTC)
NEVER = Times(None, None)


@pytest.fixture
async def linked(gateway: RealGateway, user: str) -> dict[str, Any]:
    """A VK account of nobody else's, whose replaced tokens are worth nothing."""
    gateway.sandbox.switch(vkid_reuse_revokes_family=True, vkid_refresh_kills_access=True)
    account = gateway.sandbox.account("vk")
    gateway.sandbox.consent(mode="allow", account=str(account["user_id"]))
    return await gateway.connect(user)


async def change(gateway: RealGateway, linked: dict[str, Any], **values: Any) -> None:
    mine = credentials.c.connection_id == linked["connection_id"]
    async with gateway.parts.engine.begin() as connection:
        await connection.execute(update(credentials).where(mine).values(**values))


async def stored(gateway: RealGateway, linked: dict[str, Any]) -> Any:
    mine = credentials.c.connection_id == linked["connection_id"]
    async with gateway.parts.engine.connect() as connection:
        return (await connection.execute(select(credentials).where(mine))).one_or_none()


async def disconnect(gateway: RealGateway, linked: dict[str, Any]) -> None:
    async with gateway.parts.ports.begin() as work:
        await work.erasing.mark_erasing(UUID(linked["connection_id"]), linked["grant_number"])


def revoked(gateway: RealGateway) -> list[int]:
    """What VK ID answered to each wish to give rights back."""
    steps = [one for one in gateway.sandbox.journal() if one["step"] == "revoke"]
    return [one["answer"]["status"] for one in steps]


async def refreshing(gateway: RealGateway) -> None:
    async def asked() -> bool:
        return gateway.seen("vkid", "refresh") == 1

    await eventually(asked)


async def test_a_token_that_ran_out_is_renewed_once_however_often_giving_back_is_tried(
    gateway: RealGateway, linked: dict[str, Any]
) -> None:
    await change(gateway, linked, expires_at=PAST)
    await disconnect(gateway, linked)
    gateway.sandbox.fail("vkid", "revoke", "error_503")
    assert await erase_credential(gateway.parts.ports)
    row = await stored(gateway, linked)
    assert (row.status, row.version, row.erase_tries) == ("erasing", 2, 1)
    await change(gateway, linked, erase_at=PAST)
    assert await erase_credential(gateway.parts.ports)
    assert await stored(gateway, linked) is None
    assert gateway.seen("vkid", "refresh") == 1
    assert revoked(gateway) == [503, 200]


async def test_a_disconnect_during_a_refresh_gives_the_new_pair_back(
    gateway: RealGateway, linked: dict[str, Any]
) -> None:
    gateway.sandbox.fail("vkid", "refresh", "slow", seconds=2)
    leasing = asyncio.create_task(gateway.lease(linked["connection_id"], 1))
    await refreshing(gateway)
    await disconnect(gateway, linked)
    assert not await erase_credential(gateway.parts.ports)  # the pair of tomorrow is on its way
    assert (await leasing).status_code == 410
    assert (await stored(gateway, linked)).version == 2
    assert await erase_credential(gateway.parts.ports)
    assert await stored(gateway, linked) is None
    assert revoked(gateway) == [200]


async def test_a_pair_that_comes_after_its_lease_ran_out_is_not_erased_unseen(
    gateway: RealGateway, linked: dict[str, Any]
) -> None:
    connection_id, erasing = UUID(linked["connection_id"]), new_id()
    async with gateway.parts.ports.begin() as work:
        assert await work.credentials.claim_refresh(connection_id, 1, new_id())
    await disconnect(gateway, linked)
    await change(gateway, linked, leased_until=PAST)
    async with gateway.parts.ports.begin() as work:
        credential = await work.erasing.claim_erasing(erasing)
        assert credential is not None
    async with gateway.parts.ports.begin() as work:
        assert await work.credentials.keep_refreshed(
            connection_id, 1, credential.sealed, ("video",), NEVER
        )
        assert not await work.erasing.erase(connection_id, erasing)
    assert (await stored(gateway, linked)).version == 2
    assert await erase_credential(gateway.parts.ports)
    assert await stored(gateway, linked) is None


async def test_a_pause_after_a_failed_refresh_does_not_delay_giving_back(
    gateway: RealGateway, linked: dict[str, Any]
) -> None:
    await change(gateway, linked, leased_until=datetime.now(UTC) + timedelta(minutes=5))
    await disconnect(gateway, linked)
    assert await erase_credential(gateway.parts.ports)
    assert await stored(gateway, linked) is None


async def test_an_account_that_is_connected_again_meanwhile_keeps_its_rights(
    gateway: RealGateway, user: str, linked: dict[str, Any]
) -> None:
    await change(gateway, linked, expires_at=PAST)
    await disconnect(gateway, linked)
    gateway.sandbox.fail("vkid", "refresh", "slow", seconds=2)
    erasing = asyncio.create_task(erase_credential(gateway.parts.ports))
    await refreshing(gateway)
    assert (await gateway.connect(user))["grant_number"] == 2
    assert await erasing
    assert revoked(gateway) == []
    assert (await gateway.check(linked["connection_id"]))["result"] == "ok"
