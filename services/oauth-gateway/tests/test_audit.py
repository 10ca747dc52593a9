"""Who did what with whose tokens: a row for every lease and every change (D4)."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from common.auth.services import sign
from common.contracts.connections import PlatformDisconnected
from common.contracts.words import Platform
from common.ids import new_id
from oauth_gateway.app.erase_credential import erase_credential
from oauth_gateway.app.erase_disconnected import erase_disconnected
from oauth_gateway.app.refresh_due import refresh_due
from oauth_gateway.app.reseal import reseal
from oauth_gateway.db.tables import audit
from oauth_gateway.wiring import NAME
from support.real_gateway import CALLERS, RealGateway
from support.servers import owners

from .rotating import Rotation
from .rows import change, kept, stored

pytestmark = pytest.mark.anyio


async def rows(gateway: RealGateway, connection_id: str) -> list[Any]:
    query = select(audit).where(audit.c.connection_id == connection_id).order_by(audit.c.id)
    async with gateway.parts.engine.connect() as connection:
        return list(await connection.execute(query))


async def trail(gateway: RealGateway, connection_id: str) -> Counter[tuple[str, str]]:
    """Who did what, and how often."""
    return Counter((row.actor, row.action) for row in await rows(gateway, connection_id))


async def disconnect(gateway: RealGateway, linked: dict[str, Any], user: str) -> None:
    event = PlatformDisconnected(
        connection_id=linked["connection_id"],
        user_id=user,
        platform=Platform(linked["platform"]),
        grant_number=linked["grant_number"],
    )
    async with gateway.parts.ports.begin() as work:
        await erase_disconnected(event, work)


async def test_d4_the_whole_life_of_a_connection_is_noted(gateway: RealGateway, user: str) -> None:
    gateway.sandbox.consent(mode="allow", account=str(gateway.sandbox.account("vk")["user_id"]))
    linked = await gateway.connect(user)
    connection_id = linked["connection_id"]
    expected = Counter({(user, "connect"): 1})
    assert await trail(gateway, connection_id) == expected

    await gateway.lease(connection_id)
    expected["publisher", "lease"] += 1
    assert await trail(gateway, connection_id) == expected

    await gateway.lease(connection_id, 1)
    expected["publisher", "refresh"] += 1
    expected["publisher", "lease"] += 1
    assert await trail(gateway, connection_id) == expected

    await gateway.check(connection_id)
    expected["connections", "lease"] += 1
    assert await trail(gateway, connection_id) == expected

    await change(gateway, connection_id, refresh_at=datetime.now(UTC))
    await refresh_due(gateway.parts.ports)
    expected["oauth-gateway", "refresh"] += 1
    assert await trail(gateway, connection_id) == expected

    gateway.sandbox.fail("vkid", "refresh", "token_refused")
    for _ in range(2):
        assert (await gateway.lease(connection_id, 3)).status_code == 410
    expected["publisher", "refuse"] += 1
    assert await trail(gateway, connection_id) == expected

    again = await gateway.connect(user, connection_id=connection_id)
    expected[user, "reconnect"] += 1
    assert await trail(gateway, connection_id) == expected

    for _ in range(2):  # heard twice
        await disconnect(gateway, again, user)
    expected[user, "disconnect"] += 1
    assert await trail(gateway, connection_id) == expected

    assert await erase_credential(gateway.parts.ports)
    expected["oauth-gateway", "revoke"] += 1
    expected["oauth-gateway", "erase"] += 1
    assert await trail(gateway, connection_id) == expected


async def test_d4_a_pasted_token_is_noted_like_any_other(gateway: RealGateway, user: str) -> None:
    bot = gateway.sandbox.account("telegram")
    body = {"platform": "telegram", "user_id": user, "token": bot["token"]}
    body["channel"] = str(bot["chat_id"])
    path = f"/credentials/{new_id()}"
    for _ in range(2):
        answer = await gateway.call("PUT", path, body)
        assert answer.status_code == 200, answer.text
    linked = answer.json()
    assert await trail(gateway, linked["connection_id"]) == {
        (user, "connect"): 1,
        (user, "reconnect"): 1,
    }
    await disconnect(gateway, linked, user)
    while await erase_credential(gateway.parts.ports):
        pass
    noted = await trail(gateway, linked["connection_id"])
    assert noted["oauth-gateway", "erase"] == 1
    assert noted["oauth-gateway", "revoke"] == 0  # there is no such call


async def test_d4_what_did_not_happen_is_not_noted(gateway: RealGateway, user: str) -> None:
    linked = await gateway.connect(user)
    gateway.sandbox.fail("vkid", "refresh", "error_503")
    assert (await gateway.lease(linked["connection_id"], 1)).status_code == 503
    gateway.sandbox.consent(mode="allow", account="100002")
    finish = await gateway.consent(user, connection_id=linked["connection_id"])
    assert (await gateway.finish(finish, user)).status_code == 409
    assert await trail(gateway, linked["connection_id"]) == {(user, "connect"): 1}


async def test_d4_a_move_to_another_key_is_noted_once(rotation: Rotation, user: str) -> None:
    async with rotation.running(rotation.before, rotation.between) as (before, after):
        linked = await before.connect(user)
        for _ in range(2):
            await reseal(after.parts.ports.by("operator"), after.parts.keyring, 10)
        assert (await trail(after, linked["connection_id"]))["operator", "reseal"] == 1


async def test_d4_a_row_leads_to_its_trace_and_tells_no_secret(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user)
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await gateway.client.post(
        f"/internal/v1/credentials/{linked['connection_id']}/access-token",
        json={},
        headers={
            "Authorization": f"Bearer {sign('publisher', NAME, CALLERS['publisher'])}",
            "traceparent": f"00-{trace_id}-00f067aa0ba902b7-01",
        },
    )
    noted = await rows(gateway, linked["connection_id"])
    assert noted[-1].trace_id == trace_id
    assert {row.platform for row in noted} == {"vk"}
    assert datetime.now(UTC).timestamp() - noted[-1].at.timestamp() < 60
    assert UUID(str(noted[-1].id)).version == 7
    assert answer.json()["access_token"] not in "".join(map(str, noted))


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
async def test_d4_the_service_itself_can_not_change_what_was_noted(
    gateway: RealGateway, user: str, statement: str
) -> None:
    await gateway.connect(user)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with gateway.parts.engine.begin() as connection:
            await connection.execute(text(statement))


async def test_d4_without_its_row_nothing_happens(rotation: Rotation, user: str) -> None:
    """The row is not written beside the effect but with it: without one there is not the other."""
    url = rotation.settings["DATABASE_URL"]
    role = urlsplit(url).username
    async with rotation.running(rotation.before) as [gateway]:
        linked = await gateway.connect(user)
        owner = await asyncpg.connect(owners(url))
        await owner.execute(f'REVOKE INSERT ON audit FROM "{role}"')
        lost = await gateway.lease(linked["connection_id"])
        assert (lost.status_code, "access_token" in lost.text) == (500, False)
        lost = await gateway.finish(await gateway.consent(f"{user}-too"), f"{user}-too")
        assert lost.status_code == 500
        assert await kept(gateway, f"{user}-too") == 0
        with pytest.raises(DBAPIError):
            await disconnect(gateway, linked, user)
        assert (await stored(gateway, linked["connection_id"])).status == "active"
        await owner.close()
