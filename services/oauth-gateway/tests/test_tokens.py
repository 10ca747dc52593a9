"""Handing out tokens, renewing them once, and believing a platform only when it is definite."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from common.ids import new_id
from oauth_gateway.app.refresh_due import refresh_due
from oauth_gateway.db.tables import credentials
from oauth_gateway.domain.credential import Times, times
from support.real_gateway import RealGateway

from .rows import change, facts, problem

pytestmark = pytest.mark.anyio


async def test_rotated_tokens_are_kept_from_one_refresh_to_the_next(
    gateway: RealGateway, user: str
) -> None:
    gateway.sandbox.switch(vkid_reuse_revokes_family=True)
    linked = await gateway.connect(user)
    for version in (1, 2, 3):
        answer = await gateway.lease(linked["connection_id"], version)
        assert answer.json()["version"] == version + 1
    assert gateway.seen("vkid", "refresh") == 3


async def test_a_refusal_of_an_older_token_causes_no_refresh(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user)
    await gateway.lease(linked["connection_id"], 1)
    assert (await gateway.lease(linked["connection_id"], 1)).json()["version"] == 2
    assert gateway.seen("vkid", "refresh") == 1


async def test_a_token_near_its_end_is_renewed_before_it_is_handed_out(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user)
    soon = datetime.now(UTC) + timedelta(seconds=30)
    await change(gateway, linked["connection_id"], expires_at=soon)
    assert (await gateway.lease(linked["connection_id"])).json()["version"] == 2


async def test_a_definite_refusal_ends_the_connection_and_is_told(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user)
    gateway.sandbox.fail("vkid", "refresh", "token_refused")
    assert problem(await gateway.lease(linked["connection_id"], 1)) == (410, "connection_expired")
    assert problem(await gateway.lease(linked["connection_id"])) == (410, "connection_expired")
    assert (await gateway.check(linked["connection_id"]))["result"] == "refused"
    told = await facts(gateway, linked["connection_id"])
    assert [one["type"] for one in told] == ["TokenRefreshFailed.v1"]
    assert told[0]["data"] == {
        "connection_id": linked["connection_id"],
        "platform": "vk",
        "definite": True,
        "reason": "access_revoked",
        "grant_number": 1,
    }


async def test_reconnecting_brings_a_refused_connection_back(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user)
    gateway.sandbox.fail("vkid", "refresh", "token_refused")
    await gateway.lease(linked["connection_id"], 1)
    again = await gateway.connect(user, connection_id=linked["connection_id"])
    assert (again["connection_id"], again["grant_number"]) == (linked["connection_id"], 2)
    assert (await gateway.lease(linked["connection_id"])).status_code == 200


async def test_yandex_may_give_the_same_token_again(gateway: RealGateway, user: str) -> None:
    linked = await gateway.connect(user, "dzen")
    before = (await gateway.lease(linked["connection_id"])).json()
    after = (await gateway.lease(linked["connection_id"], 1)).json()
    assert (before["version"], after["version"]) == (1, 2)
    assert after["access_token"] == before["access_token"]
    assert (await gateway.lease(linked["connection_id"], 2)).json()["version"] == 3


async def test_what_is_due_is_renewed_ahead_of_time(gateway: RealGateway, user: str) -> None:
    linked = await gateway.connect(user)
    now = datetime.now(UTC)
    await change(gateway, linked["connection_id"], refresh_at=now)
    # Two workers at the same moment: the lease lets one of them.
    await asyncio.gather(refresh_due(gateway.parts.ports), refresh_due(gateway.parts.ports))
    assert (await gateway.lease(linked["connection_id"])).json()["version"] == 2
    assert gateway.seen("vkid", "refresh") == 1
    async with gateway.parts.engine.connect() as connection:
        row = (
            await connection.execute(
                select(credentials).where(credentials.c.connection_id == linked["connection_id"])
            )
        ).one()
    life = row.expires_at - now
    assert life * 0.55 < row.refresh_at - now < life * 0.7


def test_no_two_tokens_of_one_age_are_renewed_together() -> None:
    now, hour = datetime.now(UTC), timedelta(hours=1)
    drawn = [times(now, hour, refreshable=True).refresh_at for _ in range(500)]
    shares = [(one - now) / hour for one in drawn if one]
    assert len(set(shares)) > 490
    assert min(shares) >= 0.6
    assert 0.65 < max(shares) <= 2 / 3


async def test_a_new_pair_is_kept_even_when_its_lease_ran_out(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user)
    connection_id, ports = UUID(linked["connection_id"]), gateway.parts.ports
    async with ports.begin() as work:
        assert await work.credentials.claim_refresh(connection_id, 1, new_id())
    past = datetime.now(UTC) - timedelta(seconds=1)
    await change(gateway, linked["connection_id"], leased_until=past)
    async with ports.begin() as work:
        assert await work.credentials.claim_refresh(connection_id, 1, new_id())
        credential = await work.credentials.get(connection_id)
    assert credential is not None
    never = Times(None, None)
    for kept in (True, False):  # and nobody stores anything for this version after that
        async with ports.begin() as work:
            assert kept is await work.credentials.keep_refreshed(
                connection_id, 1, credential.sealed, ("video",), never
            )


async def test_v1_tokens_that_were_tampered_with_end_the_connection(
    gateway: RealGateway, user: str
) -> None:
    mine, other = await gateway.connect(user), await gateway.connect(f"{user}-too")
    async with gateway.parts.engine.connect() as connection:
        foreign = (
            await connection.execute(
                select(credentials.c.access_token).where(
                    credentials.c.connection_id == other["connection_id"]
                )
            )
        ).scalar_one()
    await change(gateway, mine["connection_id"], access_token=foreign)
    assert problem(await gateway.lease(mine["connection_id"])) == (410, "connection_expired")
    told = await facts(gateway, mine["connection_id"])
    assert told[0]["data"]["reason"] == "unreadable"


async def test_an_unknown_connection_is_gone(gateway: RealGateway) -> None:
    assert problem(await gateway.lease(str(new_id()))) == (410, "connection_expired")


async def test_the_database_holds_no_token_in_plain(gateway: RealGateway, user: str) -> None:
    linked = await gateway.connect(user)
    token = (await gateway.lease(linked["connection_id"])).json()["access_token"].encode()
    async with gateway.parts.engine.connect() as connection:
        row = (
            await connection.execute(
                select(credentials).where(credentials.c.connection_id == linked["connection_id"])
            )
        ).one()
    assert row.access_token.startswith(b"v1")
    assert all(token not in one for one in row if isinstance(one, bytes))
