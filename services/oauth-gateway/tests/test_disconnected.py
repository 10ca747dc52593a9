"""After a disconnect nothing is left of what was sealed, wherever it may have been kept (O10)."""

import asyncio
import base64
import os
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from common.contracts.connections import PlatformDisconnected
from common.contracts.words import Platform
from localrun.binaries import POSTGRES
from oauth_gateway.app.erase_credential import erase_credential
from oauth_gateway.app.erase_disconnected import erase_disconnected
from support.real_gateway import RealGateway

from .rows import change, stored

pytestmark = pytest.mark.anyio


async def everything(gateway: RealGateway, database: str) -> bytes:
    """A dump of the database, and all that Redis holds."""
    dump = await asyncio.to_thread(
        subprocess.run,
        [str(POSTGRES.find().with_name("pg_dump")), "--no-owner", database],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    held: list[bytes] = [dump.stdout]
    redis = gateway.parts.redis
    async for key in redis.scan_iter("*"):
        held.append(str(key).encode())
        match await redis.type(key):
            case "string":
                held.append(str(await redis.get(key)).encode())
            case "hash":
                held.append(str(await redis.hgetall(key)).encode())
            case "zset":
                held.append(str(await redis.zrange(key, 0, -1)).encode())
            case kind:
                assert kind == "none", kind  # gone meanwhile; others would have to be read too
    return b"\n".join(held)


def forms(secret: bytes) -> list[bytes]:
    """As it is, and as a dump, a JSON document or Redis would have it."""
    return [secret, secret.hex().encode(), base64.b64encode(secret)]


async def disconnect(gateway: RealGateway, linked: dict[str, Any]) -> None:
    event = PlatformDisconnected(
        connection_id=UUID(linked["connection_id"]),
        user_id="u",
        platform=Platform(linked["platform"]),
        grant_number=linked["grant_number"],
    )
    async with gateway.parts.ports.begin() as work:
        await erase_disconnected(event, work)


@pytest.mark.parametrize("platform", ["vk", "dzen"])
async def test_o10_nothing_sealed_is_left_after_a_disconnect(
    gateway: RealGateway, settings: dict[str, str], user: str, platform: str
) -> None:
    if platform == "vk":
        fresh = str(gateway.sandbox.account("vk")["user_id"])
        gateway.sandbox.consent(mode="allow", account=fresh)
    linked = await gateway.connect(user, platform)
    sealed = [await stored(gateway, linked["connection_id"])]
    token = (await gateway.lease(linked["connection_id"], 1)).json()["access_token"].encode()
    sealed.append(await stored(gateway, linked["connection_id"]))
    blobs = [blob for row in sealed for blob in (row.access_token, row.refresh_token, row.extras)]
    before = await everything(gateway, settings["DATABASE_URL"])
    assert all(blob.hex().encode() in before for blob in blobs[3:])

    await disconnect(gateway, linked)
    assert (await gateway.lease(linked["connection_id"])).status_code == 410  # at once
    while await erase_credential(gateway.parts.ports):
        pass

    after = await everything(gateway, settings["DATABASE_URL"])
    assert linked["connection_id"].encode() in after  # in what was told and noted, but
    for secret in (*blobs, token):
        assert not any(form in after for form in forms(secret))
    assert (await gateway.lease(linked["connection_id"])).status_code == 410
    revoked = [one for one in gateway.sandbox.journal() if one["step"] == "revoke"]
    assert [one["answer"]["status"] for one in revoked] == [200]


async def test_o10_a_platform_that_stays_away_does_not_keep_the_tokens(
    gateway: RealGateway, user: str
) -> None:
    gateway.sandbox.consent(mode="allow", account=str(gateway.sandbox.account("vk")["user_id"]))
    linked = await gateway.connect(user)
    gateway.sandbox.fail("vkid", "revoke", "error_503", times=10)
    await disconnect(gateway, linked)
    for _ in range(3):
        assert await erase_credential(gateway.parts.ports)
        if row := await stored(gateway, linked["connection_id"]):
            wait = row.erase_at - datetime.now(UTC)
            assert timedelta(0) < wait <= timedelta(minutes=1)
            await change(gateway, linked["connection_id"], erase_at=datetime.now(UTC))
    assert await stored(gateway, linked["connection_id"]) is None
    assert gateway.seen("vkid", "revoke") == 3
