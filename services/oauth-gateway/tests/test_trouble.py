"""Trouble on the way to a platform never ends a connection: only a definite refusal does."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conformance.sandbox_process import Sandbox
from localrun.ports import LOOPBACK, free_port
from oauth_gateway.app.refresh_due import refresh_due
from support.real_gateway import RealGateway, replica
from support.waiting import eventually

from .rows import change, facts, problem, stored

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "kind", ["error_500", "error_502_html", "drop_before", "rate_limited", "server_error", "html"]
)
async def test_trouble_at_the_platform_marks_nothing(
    gateway: RealGateway, user: str, kind: str
) -> None:
    linked = await gateway.connect(user)
    gateway.sandbox.fail("vkid", "refresh", kind)
    told = await gateway.lease(linked["connection_id"], 1)
    assert problem(told) == (503, "platform_unavailable")
    assert "retry-after" in told.headers
    assert await facts(gateway, linked["connection_id"]) == []

    async def works_again() -> bool:
        return (await gateway.lease(linked["connection_id"], 1)).status_code == 200

    assert await eventually(works_again)


async def test_callers_that_wait_are_told_at_once_when_the_refresh_fails(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user)
    gateway.sandbox.fail("vkid", "refresh", "error_503", times=20)
    answers = await asyncio.gather(*(gateway.lease(linked["connection_id"], 1) for _ in range(20)))
    assert {one.status_code for one in answers} == {503}
    assert gateway.seen("vkid", "refresh") == 1


async def test_a_lost_answer_of_a_rotating_refresh_ends_in_a_refusal(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user)
    gateway.sandbox.fail("vkid", "refresh", "drop_after")
    assert (await gateway.lease(linked["connection_id"], 1)).status_code == 503

    async def refused() -> bool:
        return (await gateway.lease(linked["connection_id"], 1)).status_code == 410

    assert await eventually(refused)


async def test_a_token_near_its_end_is_handed_out_while_the_platform_is_down(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user)
    soon = datetime.now(UTC) + timedelta(seconds=30)
    await change(gateway, linked["connection_id"], expires_at=soon)
    gateway.sandbox.fail("vkid", "refresh", "error_503")
    assert (await gateway.lease(linked["connection_id"])).json()["version"] == 1


async def test_a_platform_that_can_not_be_reached_for_long_expires_nothing(
    gateway: RealGateway, settings: dict[str, str], sandbox: Sandbox, user: str
) -> None:
    linked = await gateway.connect(user)
    connection_id = linked["connection_id"]
    nowhere = {"VK_ID_URL": f"http://{LOOPBACK}:{free_port()}/vkid"}
    alone = replica({**settings, **nowhere}, sandbox)
    past = datetime.now(UTC) - timedelta(days=30)
    try:
        for _ in range(10):
            await change(
                gateway, connection_id, expires_at=past, refresh_at=past, leased_until=past
            )
            assert (await alone.lease(connection_id)).status_code == 503
            await change(gateway, connection_id, refresh_at=past, leased_until=past)
            await refresh_due(alone.parts.ports)
            assert (await alone.check(connection_id))["result"] == "unknown"
    finally:
        await alone.client.aclose()
        await alone.parts.aclose()
    assert (await stored(gateway, connection_id)).status == "active"
    await change(gateway, connection_id, leased_until=past)
    assert (await gateway.lease(connection_id)).json()["version"] == 2
