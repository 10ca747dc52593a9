"""A pause against publications in every phase: nothing is sent meanwhile, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from common.contracts.words import Platform
from common.lending import Token
from platforms.errors import RateLimited, Unavailable
from platforms.port import Guard, Wait
from publisher.app.cancel_publication import cancel_publication
from publisher.app.pause_publishing import pause_publishing, resume_publishing
from publisher.app.pauses import BURST, Pause, Scope
from publisher.app.publish import publish
from publisher.app.start_due import hold_due, start_due, wake_unattended
from publisher.domain.publication import Publication, StepState
from publisher.domain.rules import Verdict
from publisher.domain.states import Status
from publisher.media.opening import Opening
from support.servers import truncate

from .lab import Lab, Lender
from .scripted import Gate, Marks, Scripted, answer

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
SCOPES = list(Scope)


@pytest.fixture
async def lab(
    empty_db: AsyncEngine, opening: Opening, platform: Scripted, database_url: str
) -> AsyncIterator[Lab]:
    found = Lab(empty_db, opening, platform.adapter())
    yield found
    await truncate(database_url, "pauses", "audit")


@pytest.fixture
def three(platform: Scripted) -> Scripted:
    platform.step("draft", Guard.REPEATABLE, undo=True)
    platform.step("send", Guard.CHECKED, visible=True)
    return platform.step("processed", Guard.REPEATABLE)


def name_of(scope: Scope, row: Publication) -> str:
    return {
        Scope.PLATFORM: row.platform.value,
        Scope.CONNECTION: str(row.connection_id),
        Scope.USER: row.user_id,
    }[scope]


async def pause(
    lab: Lab, row: Publication, scope: Scope = Scope.CONNECTION, by: str = "olga"
) -> bool:
    async with lab.transaction() as uow:
        return await pause_publishing(uow, Pause(scope, name_of(scope, row), by, "because"))


async def resume(lab: Lab, row: Publication, scope: Scope = Scope.CONNECTION) -> bool:
    async with lab.transaction() as uow:
        return await resume_publishing(uow, scope, name_of(scope, row), by="oleg", reason=None)


async def pause_during(lab: Lab, row: Publication, call: Gate, scope: Scope) -> Publication:
    """Let an attempt come as far as this call, pause, then let it go on to its end."""
    claimed = await lab.claim(row)
    assert claimed is not None
    work = asyncio.create_task(publish(lab.engine(), claimed))
    async with asyncio.timeout(40):
        await call.reached.wait()
    await pause(lab, row, scope)
    assert not (await lab.read(row)).held_back, "it is in a worker's hands still"
    call.go.set()
    await work
    return await lab.read(row)


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_step_that_has_begun_ends_and_the_next_waits_for_the_end_of_the_pause(
    lab: Lab, three: Scripted, scope: Scope
) -> None:
    drafting = three.stuck("act:draft")
    row = await pause_during(lab, await lab.request(), drafting, scope)
    assert three.asked == ["act:draft"]
    assert (row.status, row.step, row.step_state) == (Status.PUBLISHING, "send", StepState.READY)
    assert (row.held_back, row.visible, row.attempt) == (True, False, 1)
    assert (await lab.kinds(row))[-1] == "paused"
    row = await lab.later(row)
    assert await lab.claim(row) is None
    assert await resume(lab, row, scope)
    assert not (await lab.read(row)).held_back
    row = await lab.to_the_end(row)
    assert (row.status, row.attempt, row.failures) == (Status.PUBLISHED, 1, 0)
    assert three.asked == ["act:draft", "act:send", "act:processed"]


@pytest.mark.parametrize("guard", [Guard.CHECKED, Guard.ONCE])
async def test_a_pause_right_before_the_visible_call_stops_it(
    lab: Lab, platform: Scripted, guard: Guard
) -> None:
    """While the token is fetched, which is the last thing before."""
    platform.step("send", guard, visible=True)
    row = await lab.request()

    @dataclass
    class SlowLender(Lender):
        async def lease(self, connection_id: UUID, *, refused: int | None = None) -> Token:
            await pause(lab, row)
            return await super().lease(connection_id, refused=refused)

    held = await replace(lab, tokens=SlowLender()).attempt(row)
    assert (platform.asked, held.held_back) == ([], True)
    await resume(lab, row)
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED
    assert platform.asked == ["act:send"]


async def test_what_people_may_see_is_followed_to_its_end_while_paused(
    lab: Lab, three: Scripted
) -> None:
    three.order("act:processed", answer(Wait(Marks(), timedelta(minutes=1))))
    sending = three.stuck("act:send")
    row = await pause_during(lab, await lab.request(), sending, Scope.PLATFORM)
    assert (row.status, row.held_back) == (Status.PUBLISHING, False)
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED


async def test_a_doubt_is_looked_up_while_paused_but_what_is_absent_is_not_sent(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.cut_off(three.stuck("act:send"))
    await pause(lab, row)
    row = await lab.attempt(await lab.later(row))
    assert three.asked == ["act:draft", "act:send", "look:send"]
    assert (row.held_back, row.visible) == (True, False)
    await resume(lab, row)
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED
    assert three.made[row.id].count("send") == 1


async def test_a_cancel_is_seen_to_while_paused(lab: Lab, three: Scripted) -> None:
    row = await pause_during(lab, await lab.request(), three.stuck("act:draft"), Scope.USER)
    async with lab.transaction() as uow:
        locked = await uow.publications.lock(row.id, row.user_id)
        assert locked is not None
        verdict, _ = await cancel_publication(uow, locked)
    assert verdict is Verdict.REQUESTED
    assert (await lab.attempt(row)).status is Status.CANCELLED
    assert three.asked == ["act:draft", "undo:draft"]


async def test_what_was_put_back_before_its_first_call_is_cancelled_at_once(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.request()
    claimed = await lab.claim(row)
    assert claimed is not None
    await pause(lab, row)
    await publish(lab.engine(), claimed)
    async with lab.transaction() as uow:
        locked = await uow.publications.lock(row.id, row.user_id)
        assert locked is not None
        verdict, cancelled = await cancel_publication(uow, locked)
    assert (verdict, cancelled.status) == (Verdict.CANCELLED, Status.CANCELLED)
    assert three.asked == []


async def test_a_cancel_and_a_pause_in_the_same_step_end_as_cancelled(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.request()

    async def both(_job: object) -> None:
        await pause(lab, row)
        async with lab.transaction() as uow:
            locked = await uow.publications.lock(row.id, row.user_id)
            assert locked is not None
            await cancel_publication(uow, locked)

    three.order("act:draft", both)
    assert (await lab.to_the_end(row)).status is Status.CANCELLED
    assert "act:send" not in three.asked


async def test_of_two_pauses_the_end_of_one_keeps_the_other(lab: Lab, three: Scripted) -> None:
    row = await lab.request()
    await pause(lab, row, Scope.PLATFORM)
    await pause(lab, row, Scope.USER)
    assert await resume(lab, row, Scope.PLATFORM)
    assert not await resume(lab, row, Scope.PLATFORM)
    assert await lab.claim(row) is None
    assert (await lab.read(row)).held_back
    await resume(lab, row, Scope.USER)
    assert (await lab.attempt(row)).status is Status.PUBLISHED
    assert three.asked == ["act:draft", "act:send", "act:processed"]


async def test_after_the_pause_all_that_became_due_is_started_in_the_order_of_its_time(
    lab: Lab,
) -> None:
    account = await lab.connection("anna")
    minutes = (3, 9, 1, 7)
    rows = [await lab.scheduled(timedelta(minutes=one), connection=account) for one in minutes]
    await pause(lab, rows[0], Scope.PLATFORM)
    async with lab.transaction() as uow:
        assert await start_due(uow) == 0
    await resume(lab, rows[0], Scope.PLATFORM)
    async with lab.transaction() as uow:
        assert await start_due(uow) == len(rows)
    lines = await lab.rows("SELECT publication_id FROM timeline WHERE kind = 'due' ORDER BY id")
    late_first = sorted(zip(minutes, rows, strict=True), key=lambda pair: -pair[0])
    assert [line["publication_id"] for line in lines] == [row.id for _, row in late_first]


@pytest.mark.parametrize("scope", SCOPES)
async def test_the_end_of_a_pause_calls_anew_for_its_own_and_nobody_elses(
    lab: Lab, scope: Scope
) -> None:
    ours, others = await lab.request(), await lab.request()
    await pause(lab, ours, scope)
    await resume(lab, ours, scope)
    async with lab.transaction() as uow:
        await wake_unattended(uow, quarantine=DAY, again_after=DAY)
    called = (await lab.wakes(ours), await lab.wakes(others))
    assert called == ((2, 2) if scope is Scope.PLATFORM else (2, 1))


@pytest.mark.parametrize("paused", [True, False])
async def test_a_long_pause_is_no_reason_to_call_an_account_held_too_long(
    lab: Lab, paused: bool
) -> None:
    row = await lab.scheduled(2 * DAY)
    await lab.rows("UPDATE connections SET status = 'expired' WHERE id = :id", id=row.connection_id)
    if paused:
        await pause(lab, row, Scope.USER)
        async with lab.transaction() as uow:
            assert await hold_due(uow, hold_max=DAY) == 0
        await resume(lab, row, Scope.USER)
    async with lab.transaction() as uow:
        await hold_due(uow, hold_max=DAY)
    row = await lab.read(row)
    assert row.status is (Status.SCHEDULED if paused else Status.FAILED)
    assert row.hold == ("connection_expired" if paused else None)


@pytest.mark.parametrize("paused", [True, False])
async def test_a_long_pause_is_no_reason_to_have_waited_too_long_for_a_platform(
    lab: Lab, three: Scripted, paused: bool
) -> None:
    three.order("act:draft", *[RateLimited(timedelta(seconds=1))] * 2)
    row = await lab.attempt(await lab.request())
    await lab.rows("UPDATE timeline SET at = at - interval '2 days'")
    await lab.rows("UPDATE publications SET created_at = created_at - interval '2 days'")
    if paused:
        await pause(lab, row)
        await resume(lab, row)
    row = await lab.attempt(await lab.later(row))
    assert row.status is (Status.PUBLISHING if paused else Status.FAILED)


async def test_a_wait_that_ends_while_paused_costs_no_attempt(lab: Lab, three: Scripted) -> None:
    three.order("act:send", Unavailable())
    row = await lab.attempt(await lab.request())
    assert (row.failures, row.paused_by) == (1, None)
    await pause(lab, row)
    assert not (await lab.read(row)).held_back, "it waits for its next attempt anyway"
    row = await lab.later(row)
    assert (row.held_back, row.failures) == (True, 1)
    await resume(lab, row)
    row = await lab.attempt(row)
    assert (row.status, row.attempt) == (Status.PUBLISHED, 2)


async def test_an_operator_takes_over_what_paused_by_itself_but_not_from_another(lab: Lab) -> None:
    row = await lab.request()

    async def paused_by() -> str | None:
        return (await lab.read(row)).paused_by

    assert await pause(lab, row, by=BURST)
    assert not await pause(lab, row, by=BURST)
    assert await paused_by() == BURST
    assert await pause(lab, row, by="olga")
    for other in ("oleg", BURST):
        assert not await pause(lab, row, by=other)
    assert await paused_by() == "olga"


async def test_what_is_paused_does_not_hold_up_another_platform(lab: Lab) -> None:
    vk = await lab.request()
    telegram = await lab.request(connection=await lab.connection("anna", Platform.TELEGRAM))
    await pause(lab, vk, Scope.PLATFORM)
    assert await lab.claim(vk) is None
    assert await lab.claim(telegram) is not None
