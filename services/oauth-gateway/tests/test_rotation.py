"""A secret is changed under load, by real processes; nothing is lost and nothing is forgotten."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text, update

from common.auth.services import sign
from common.contracts.words import Platform
from common.ids import new_id
from oauth_gateway.app.reseal import reseal
from oauth_gateway.db.tables import credentials
from oauth_gateway.domain.credential import Resealed
from oauth_gateway.wiring import NAME
from support.processes import process
from support.real_gateway import CALLERS, RealGateway
from support.waiting import eventually

from .rotating import Rotation, id_of, keys_of, start
from .rows import change, facts, problem, stored

pytestmark = pytest.mark.anyio
WRITERS = 50


async def connected(gateway: RealGateway, count: int) -> list[str]:
    """Connections of as many users."""
    users = [f"user-{new_id()}" for _ in range(count)]
    linked = []
    for first in range(0, count, 5):
        some = (gateway.connect(user) for user in users[first : first + 5])
        linked += await asyncio.gather(*some)
    return [one["connection_id"] for one in linked]


async def renew(gateway: RealGateway, connection_id: str, version: int) -> int:
    """Say that this version was refused; the next one."""
    answer = await gateway.lease(connection_id, version)
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["version"]
    return found


async def works(gateway: RealGateway, connection_id: str) -> bool:
    return await gateway.check(connection_id) == {"result": "ok", "detail": ""}


@pytest.mark.timeout(300)
async def test_v4_fifty_writers_lose_no_pair_while_the_secret_is_changed(
    rotation: Rotation,
) -> None:
    """Replicas before and after their restart write at once, each under its own current key,
    while one process after the other moves what the old one writes."""
    older = rotation.under(rotation.old, rotation.new)
    async with rotation.running(older, rotation.between) as (before, after):
        ids = await connected(before, WRITERS)
        versions = dict.fromkeys(ids, 1)
        moving = asyncio.create_task(rotation.run(rotation.between, "reseal", "--batch", "7"))

        async def writes(turn: int, connection_id: str) -> None:
            rounds = 0
            while rounds < 2 or not moving.done():
                gateway = (before, after)[(turn + rounds) % 2]
                versions[connection_id] = await renew(
                    gateway, connection_id, versions[connection_id]
                )
                rounds += 1

        await asyncio.gather(*(writes(*one) for one in enumerate(ids)))
        assert "unreadable 0" in (await moving).stdout

        # The last old replica is gone; writers go on under the new key only.
        moving = asyncio.create_task(rotation.run(rotation.between, "reseal"))
        renewing = [renew(after, one, versions[one]) for one in ids]
        for one, version in zip(ids, await asyncio.gather(*renewing), strict=True):
            versions[one] = version
        done = await moving
        assert (done.returncode, done.stdout.split(", ")[-1]) == (0, "left 0\n")
        assert await keys_of(after) == {id_of(rotation.new): WRITERS}
    asked = [one for one in rotation.sandbox.journal() if one["step"] == "refresh"]
    assert len(asked) == sum(versions.values()) - WRITERS  # every pair that was given is there
    with process("oauth_gateway", "http", settings=rotation.after):
        async with rotation.running(rotation.after) as [alone]:
            assert all(await asyncio.gather(*(works(alone, one) for one in ids)))


async def test_v4_a_key_that_is_still_used_can_not_be_taken_away(rotation: Rotation) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        await connected(gateway, 2)
    for kind in ("http", "worker"):
        done = await rotation.run(rotation.after, kind)
        assert done.returncode == 2
        assert f"2 credentials are sealed under key {id_of(rotation.old)}" in done.stderr
        assert "PLATFORM_TOKEN_SECRET_PREVIOUS" in done.stderr
        printed = done.stdout + done.stderr
        assert rotation.new not in printed
        assert rotation.old not in printed
    assert (await rotation.run(rotation.between, "reseal")).returncode == 0
    with process("oauth_gateway", "http", settings=rotation.after):
        pass


async def test_v4_a_move_that_was_killed_is_simply_started_again(rotation: Rotation) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        ids = sorted(await connected(gateway, 6))
        mine = select(credentials).where(credentials.c.connection_id == ids[3])
        async with gateway.parts.engine.begin() as holding:
            await holding.execute(text("SET idle_in_transaction_session_timeout = 0"))
            await holding.execute(mine.with_for_update())  # here it has to wait
            moving = start(rotation.between, "reseal", "--batch", "1")

            async def halfway() -> bool:
                return (await keys_of(gateway)).get(id_of(rotation.new)) == 3

            try:
                await eventually(halfway, 60)
            finally:
                moving.kill()
                moving.communicate()
        assert await keys_of(gateway) == {id_of(rotation.new): 3, id_of(rotation.old): 3}
    done = await rotation.run(rotation.between, "reseal")
    assert (done.returncode, done.stdout) == (
        0,
        "resealed 3, overtaken 0, unreadable 0, left 0\n",
    )


async def test_v4_a_row_that_was_renewed_meanwhile_is_left_alone(rotation: Rotation) -> None:
    async with rotation.running(rotation.before, rotation.between) as (before, after):
        [connection_id] = await connected(before, 1)
        ports = after.parts.ports
        async with ports.begin() as work:
            credential = await work.credentials.get(UUID(connection_id))
        assert credential is not None
        late = Resealed(credential, ports.vault.nothing(credential.connection_id, Platform.VK))
        assert await renew(before, connection_id, 1) == 2
        async with ports.begin() as work:
            assert list(await work.sealed.replace([late])) == []
        assert await works(before, connection_id)


async def test_v4_a_pair_that_comes_after_its_row_was_moved_is_stored(rotation: Rotation) -> None:
    async with rotation.running(rotation.before, rotation.between) as (before, after):
        [connection_id] = await connected(before, 1)
        rotation.sandbox.fail("vkid", "refresh", "slow", seconds=3)
        renewing = asyncio.create_task(renew(before, connection_id, 1))

        async def asked() -> bool:
            return before.seen("vkid", "refresh") == 1

        await eventually(asked)
        counts = await reseal(after.parts.ports, after.parts.keyring, 10)
        assert (counts.resealed, counts.overtaken) == (1, 0)
        assert await renewing == 2
        assert await keys_of(after) == {id_of(rotation.old): 1}  # by one who knows no other key
        assert (await reseal(after.parts.ports, after.parts.keyring, 10)).resealed == 1
        assert await works(after, connection_id)


async def test_v4_what_was_tampered_with_does_not_keep_a_key_for_ever(rotation: Rotation) -> None:
    async with rotation.running(rotation.before, rotation.between) as (before, after):
        mine, other = await connected(before, 2)
        foreign = (await stored(before, other)).access_token
        changed = update(credentials).where(credentials.c.connection_id == mine)
        async with before.parts.engine.begin() as connection:
            await connection.execute(changed.values(access_token=foreign))
        counts = await reseal(after.parts.ports, after.parts.keyring, 10)
        assert (counts.resealed, counts.unreadable) == (2, 1)
        assert await keys_of(after) == {id_of(rotation.new): 2}
        assert (await after.lease(mine)).status_code == 410
        assert await works(after, other)


@pytest.mark.parametrize("field", ["refresh_token", "extras"])
async def test_v2_a_changed_key_id_in_one_field_stops_no_move_and_ends_the_connection(
    rotation: Rotation, field: str
) -> None:
    async with rotation.running(rotation.before, rotation.between) as (before, after):
        mine, other = await connected(before, 2)
        blob = getattr(await stored(before, mine), field)
        await change(before, mine, **{field: blob[:3] + bytes([blob[3] ^ 1]) + blob[4:]})
        counts = await reseal(after.parts.ports, after.parts.keyring, 10)
        assert (counts.resealed, counts.unreadable) == (2, 1)
        assert await keys_of(after) == {id_of(rotation.new): 2}
        assert (await after.lease(mine)).status_code == 410
        assert [one["type"] for one in await facts(after, mine)] == ["TokenRefreshFailed.v1"]
        assert await works(after, other)


@pytest.mark.parametrize("damage", [{"refresh_token": b""}, {"extras": b"v1"}])
async def test_v2_an_emptied_field_ends_the_connection(
    rotation: Rotation, damage: dict[str, bytes]
) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        [mine] = await connected(gateway, 1)
        await change(gateway, mine, **damage)
        assert (await gateway.lease(mine)).status_code == 410


async def test_v4_a_flow_survives_the_change_of_the_secret(rotation: Rotation) -> None:
    async with rotation.running(rotation.before, rotation.between) as (before, after):
        user = f"user-{new_id()}"
        query = await before.agree(await before.start(user))
        finish = (await after.come_back(query))["finish"]
        assert (await after.finish(finish, user)).status_code == 200
        finish = await before.consent(user)
        assert (await after.finish(finish, user)).status_code == 200


async def test_v4_a_replica_without_the_secret_leaves_a_consent_under_way(
    rotation: Rotation,
) -> None:
    async with rotation.running(rotation.before, rotation.after) as (able, unable):
        user = f"user-{new_id()}"
        query = await able.agree(await able.start(user))
        assert (await unable.come_back(query))["error"] == "platform_unavailable"
        finish = (await able.come_back(query))["finish"]
        assert problem(await unable.finish(finish, user)) == (503, "service_unavailable")
        assert (await able.finish(finish, user)).status_code == 200
        assert problem(await able.finish(finish, user)) == (403, "state_invalid")
        assert (await able.come_back(query))["error"] == "state_invalid"


async def test_v4_an_account_known_by_its_token_stays_the_same_account(rotation: Rotation) -> None:
    """Rutube may not tell whose token it is: then its fingerprint names the account."""
    account = rotation.sandbox.account("rutube")
    body = {"platform": "rutube", "user_id": "u", "token": account["token"]}

    async def paste(url: str, connection_id: str) -> dict[str, Any]:
        rotation.sandbox.fail("rutube", "profile", "forbidden")
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            path = f"/internal/v1/credentials/{connection_id}"
            proof = {"Authorization": f"Bearer {sign('connections', NAME, CALLERS['connections'])}"}
            answer = await client.put(path, json=body, headers=proof)
            assert answer.status_code == 200, answer.text
            linked: dict[str, Any] = answer.json()
            return linked

    with process("oauth_gateway", "http", settings=rotation.before) as url:
        first = await paste(url, str(new_id()))
    done = await rotation.run(rotation.between, "reseal")
    assert done.stdout.startswith("resealed 1,")
    with process("oauth_gateway", "http", settings=rotation.between) as url:
        assert (await paste(url, first["connection_id"]))["account"] == first["account"]
    with process("oauth_gateway", "http", settings=rotation.after) as url:
        assert (await paste(url, first["connection_id"]))["account"] == first["account"]
