"""What the neighbours tell, late, twice and in any order."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from common.contracts.accounts import PlanChanged
from common.contracts.connections import (
    ConnectionExpired,
    PlatformConnected,
    PlatformDisconnected,
)
from common.contracts.envelope import Event
from common.contracts.stats import StatsCollected
from common.contracts.words import Plan, Platform
from common.ids import new_id
from platforms.port import Guard
from publisher.app.start_due import hold_due
from publisher.domain.publication import Connection, Publication
from publisher.domain.states import Status

from .lab import Lab
from .scripted import Gate, Scripted

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


def _about(connection_id: UUID, user: str) -> dict[str, Any]:
    return {"connection_id": connection_id, "user_id": user, "platform": Platform.VK}


def connected(connection_id: UUID, user: str, account: str = "100") -> PlatformConnected:
    return PlatformConnected(
        **_about(connection_id, user), account_id=account, account_name=f"Name of {account}"
    )


def disconnected(connection_id: UUID, user: str) -> PlatformDisconnected:
    return PlatformDisconnected(**_about(connection_id, user), grant_number=1)


def expired(connection_id: UUID, user: str) -> ConnectionExpired:
    return ConnectionExpired(
        **_about(connection_id, user), reason="access_revoked", expired_at=datetime.now(UTC)
    )


async def _known(lab: Lab, connection_id: UUID, user: str) -> Connection | None:
    async with lab.transaction() as uow:
        return await uow.connections.get(connection_id, user)


HISTORIES: dict[str, tuple[list[Callable[[UUID, str], Event]], str | None]] = {
    "linked": ([connected], "active"),
    "expired": ([connected, expired], "expired"),
    "linked again": ([connected, expired, connected], "active"),
    "removed": ([connected, disconnected], None),
    "removed when expired": ([connected, expired, disconnected], None),
    "linked after removal": ([connected, disconnected, connected], "active"),
}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("name", HISTORIES)
async def test_in_whatever_order_and_however_often_they_come_the_latest_version_counts(
    lab: Lab, user: str, name: str, times: int
) -> None:
    makers, status = HISTORIES[name]
    for order in permutations(range(len(makers))):
        connection_id = new_id()
        for at in order * times:
            await lab.hear(makers[at](connection_id, user), at + 1)
        found = await _known(lab, connection_id, user)
        assert (found.status if found else None) == status, order
        if found:
            assert (found.account_id, found.account_name) == ("100", "Name of 100")


async def test_a_disconnect_cancels_what_is_scheduled_and_asks_the_rest_to_stop(
    lab: Lab, platform: Scripted, user: str
) -> None:
    platform.step("draft", Guard.REPEATABLE, undo=True).step("send", Guard.CHECKED, visible=True)
    ours, other = await lab.connection(user), await lab.connection(user)
    scheduled = await lab.request(at=datetime.now(UTC) + DAY, connection=ours)
    elsewhere = await lab.request(at=datetime.now(UTC) + DAY, connection=other)
    queued = await lab.request(connection=ours)
    flying = await lab.request(connection=ours)
    drafting = Gate()
    platform.order("act:draft", drafting)
    await lab.die_in(flying, drafting.reached)

    await lab.hear(disconnected(ours.id, user), 2)
    await lab.hear(disconnected(ours.id, user), 2)
    assert (await lab.read(scheduled)).status is Status.CANCELLED
    assert (await lab.read(queued)).status is Status.CANCELLED
    assert (await lab.read(elsewhere)).status is Status.SCHEDULED
    found = await lab.read(flying)
    assert (found.status, found.cancel_requested) == (Status.PUBLISHING, True)
    assert (await lab.to_the_end(flying)).status is Status.CANCELLED
    assert [line["detail"] for line in await lab.lines(scheduled)][-1] == "disconnected"
    assert [fact["type"] for fact in await lab.told(scheduled)] == ["PublicationCancelled.v1"]
    assert "act:send" not in platform.asked


@pytest.mark.parametrize(
    ("plan", "kept"),
    [
        ("free", set()),
        ("start", {Platform.VK}),
        ("pro", {Platform.VK, Platform.TELEGRAM}),
        ("platinum", set()),
    ],
)
async def test_a_smaller_plan_cancels_what_it_does_not_cover(
    lab: Lab, user: str, plan: str, kept: set[Platform]
) -> None:
    rows = {}
    for platform in (Platform.VK, Platform.TELEGRAM):
        account = await lab.connection(user, platform)
        rows[platform] = await lab.request(at=datetime.now(UTC) + DAY, connection=account)
    queued = await lab.request(connection=await lab.connection(user))
    stranger = await lab.request(at=datetime.now(UTC) + DAY)
    await lab.hear(PlanChanged(user_id=user, plan=plan, changed_at=datetime.now(UTC)))
    for platform, row in rows.items():
        found = await lab.read(row)
        assert (found.status is Status.SCHEDULED) == (platform in kept)
    assert ((await lab.read(queued)).status is Status.PUBLISHING) == (Platform.VK in kept)
    assert (await lab.read(stranger)).status is Status.SCHEDULED


async def test_an_older_plan_that_comes_late_changes_nothing(lab: Lab, user: str) -> None:
    row = await lab.request(at=datetime.now(UTC) + DAY, connection=await lab.connection(user))
    now = datetime.now(UTC)
    await lab.hear(PlanChanged(user_id=user, plan="pro", changed_at=now))
    await lab.hear(PlanChanged(user_id=user, plan="free", changed_at=now - DAY))
    assert (await lab.read(row)).status is Status.SCHEDULED
    async with lab.transaction() as uow:
        assert await uow.plans.get(user) == (Plan.PRO, now)


def counted(row: Publication, views: int | None, **more: Any) -> StatsCollected:
    """What stats-collector tells of it."""
    usual = {"likes": 1, "shares": None, "comments": 0, "gone": False, "reason": None}
    return StatsCollected.model_validate(
        {
            "publication_id": row.id,
            "platform": Platform.VK,
            "views": views,
            "sampled_at": datetime.now(UTC),
            **usual,
            **more,
        }
    )


@pytest.mark.parametrize("order", [*permutations((1, 2, 3)), (1, 3, 2, 3, 1), (3, 3, 2, 2, 1, 1)])
async def test_the_newest_counters_stay_in_whatever_order_and_however_often_they_come(
    lab: Lab, user: str, order: tuple[int, ...]
) -> None:
    row = await lab.request(connection=await lab.connection(user))
    told = {1: counted(row, 10), 2: counted(row, 40), 3: counted(row, 20)}
    for version in order:
        await lab.hear(told[version], version)
    found = await lab.read(row)
    assert (found.views, found.likes, found.shares, found.comments) == (20, 1, None, 0)
    assert found.stats_at == told[3].sampled_at
    assert found.version == row.version, "a sample is no change of status"


async def test_why_there_are_no_numbers_is_kept_with_them(lab: Lab, user: str) -> None:
    row = await lab.request(connection=await lab.connection(user))
    await lab.hear(counted(row, 20), 1)
    await lab.hear(counted(row, None, reason="gone", gone=True), 2)
    found = await lab.read(row)
    assert (found.views, found.stats_reason) == (None, "gone")
    await lab.hear(counted(row, 21), 3)
    found = await lab.read(row)
    assert (found.views, found.stats_reason) == (21, None)


async def test_a_reconnect_releases_what_was_held_and_nothing_else(lab: Lab, user: str) -> None:
    account = await lab.connection(user)
    held = await lab.scheduled(connection=account)
    ahead = await lab.request(at=datetime.now(UTC) + DAY, connection=account)
    await lab.hear(expired(account.id, user), 2)
    async with lab.transaction() as uow:
        await hold_due(uow, hold_max=DAY)
    assert (await lab.read(held)).hold == "connection_expired"
    await lab.hear(connected(account.id, user), 3)
    found = await lab.read(held)
    assert found.hold is None
    assert found.due_at is not None
    assert found.due_at <= datetime.now(UTC)
    assert (await lab.read(ahead)).due_at == ahead.due_at
    assert (await lab.kinds(held)) == ["scheduled", "held", "released"]


async def test_a_reconnect_does_not_wait_for_a_worker_with_a_publication_in_hand(
    lab: Lab, user: str
) -> None:
    """Which may be about to have the same account rest: they would wait for each other."""
    account = await lab.connection(user)
    row = await lab.request(connection=account)
    async with lab.transaction() as uow, asyncio.timeout(10):
        await uow.publications.lock(row.id, user)
        await lab.hear(connected(account.id, user), 2)
        await uow.connections.rest(account.id, datetime.now(UTC) + DAY)
