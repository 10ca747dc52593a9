"""A cancel against an attempt in every phase: what was answered is what happens."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest

from common.contracts.words import Platform
from common.lending import ConnectionLost, Token, VaultUnavailable
from platforms.errors import ContentRefused, NotYet, OutcomeUnknown, RateLimited, Unavailable
from platforms.port import Guard, Wait
from publisher.app.cancel_publication import cancel_publication
from publisher.app.publish import publish
from publisher.domain.publication import Publication
from publisher.domain.rules import Verdict
from publisher.domain.states import Status

from .lab import Lab, Lender
from .scripted import Gate, Marks, Scripted, answer

pytestmark = pytest.mark.anyio


@pytest.fixture
def three(platform: Scripted) -> Scripted:
    platform.step("draft", Guard.REPEATABLE, undo=True)
    platform.step("send", Guard.CHECKED, visible=True)
    return platform.step("processed", Guard.REPEATABLE)


async def cancel(lab: Lab, row: Publication) -> Verdict:
    async with lab.transaction() as uow:
        locked = await uow.publications.lock(row.id, row.user_id)
        assert locked is not None
        verdict, _ = await cancel_publication(uow, locked)
    return verdict


async def cancel_during(lab: Lab, row: Publication, call: Gate) -> Verdict:
    """Let an attempt come as far as this call, cancel, then let it go on to its end."""
    claimed = await lab.claim(row)
    assert claimed is not None
    work = asyncio.create_task(publish(lab.engine(), claimed))
    async with asyncio.timeout(10):
        await call.reached.wait()
    verdict = await cancel(lab, row)
    call.go.set()
    await work
    return verdict


async def test_a_scheduled_one_is_cancelled_at_once(lab: Lab) -> None:
    row = await lab.scheduled()
    assert await cancel(lab, row) is Verdict.CANCELLED
    done = await lab.read(row)
    assert (done.status, done.version, done.due_at) == (Status.CANCELLED, 2, None)
    assert await cancel(lab, row) is Verdict.CANCELLED
    assert (await lab.kinds(row)) == ["scheduled", "cancelled"]
    assert [fact["type"] for fact in await lab.told(row)] == ["PublicationCancelled.v1"]


async def test_a_queued_one_is_cancelled_at_once_and_its_wake_up_call_does_nothing(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.request()
    assert await cancel(lab, row) is Verdict.CANCELLED
    assert await lab.claim(row) is None
    assert three.asked == []


async def test_a_cancel_between_two_steps_undoes_what_was_made(lab: Lab, three: Scripted) -> None:
    drafting = three.stuck("act:draft")
    row = await lab.request()
    assert await cancel_during(lab, row, drafting) is Verdict.REQUESTED
    done = await lab.read(row)
    assert done.status is Status.CANCELLED
    assert three.asked == ["act:draft", "undo:draft"]
    assert three.made[row.id] == []
    assert (await lab.kinds(done))[-3:] == ["step_started", "stopped", "cancelled"]
    assert await cancel(lab, row) is Verdict.CANCELLED


async def test_a_step_that_only_began_is_not_undone(lab: Lab, platform: Scripted) -> None:
    """The end of one and the beginning of the next are one commit."""
    platform.step("draft", Guard.REPEATABLE, undo=True)
    platform.step("upload", Guard.CHECKED, undo=True)
    platform.step("send", Guard.CHECKED, visible=True)
    row = await lab.request()
    assert await cancel_during(lab, row, platform.stuck("act:draft")) is Verdict.REQUESTED
    assert (await lab.read(row)).status is Status.CANCELLED
    assert platform.asked == ["act:draft", "undo:draft"]


@pytest.mark.parametrize("guard", [Guard.CHECKED, Guard.ONCE])
async def test_a_cancel_that_comes_right_before_the_visible_call_stops_it(
    lab: Lab, platform: Scripted, guard: Guard
) -> None:
    """While the token is fetched, which is the last thing before."""
    platform.step("send", guard, visible=True)
    row = await lab.request()
    verdicts: list[Verdict] = []

    @dataclass
    class SlowLender(Lender):
        async def lease(self, connection_id: UUID, *, refused: int | None = None) -> Token:
            verdicts.append(await cancel(lab, row))
            return await super().lease(connection_id, refused=refused)

    done = await replace(lab, tokens=SlowLender()).attempt(row)
    assert (verdicts, done.status) == ([Verdict.REQUESTED], Status.CANCELLED)
    assert platform.asked == []


async def test_a_cancel_after_the_visible_call_began_comes_too_late_and_says_so(
    lab: Lab, three: Scripted
) -> None:
    sending = three.stuck("act:send")
    row = await lab.request()
    assert await cancel_during(lab, row, sending) is Verdict.REQUESTED
    done = await lab.read(row)
    assert done.status is Status.PUBLISHED
    assert not done.cancel_requested
    assert await cancel(lab, row) is Verdict.TOO_LATE
    assert "undo:draft" not in three.asked


async def test_a_cancel_while_the_platform_processes_ends_as_published(
    lab: Lab, three: Scripted
) -> None:
    three.order("act:processed", answer(Wait(Marks(), timedelta(minutes=1))))
    row = await lab.attempt(await lab.request())
    assert await cancel(lab, row) is Verdict.REQUESTED
    assert await cancel(lab, row) is Verdict.REQUESTED
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED
    assert (await lab.kinds(row)).count("cancel_requested") == 1


async def test_a_cancel_while_waiting_for_a_retry_is_done_at_once_not_in_an_hour(
    lab: Lab, three: Scripted
) -> None:
    three.order("act:send", Unavailable())
    row = await lab.attempt(await lab.request())
    assert await cancel(lab, row) is Verdict.REQUESTED
    done = await lab.attempt(row)
    assert done.status is Status.CANCELLED
    assert three.asked == ["act:draft", "act:send", "undo:draft"]


async def test_a_cancel_is_done_at_once_though_the_account_was_told_to_wait_an_hour(
    lab: Lab, three: Scripted
) -> None:
    three.order("act:send", RateLimited(timedelta(hours=1)))
    row = await lab.attempt(await lab.request())
    assert await lab.claim(row) is None
    assert await cancel(lab, row) is Verdict.REQUESTED
    assert (await lab.attempt(row)).status is Status.CANCELLED


async def test_a_cancel_waits_for_no_turn_in_a_crowded_line(lab: Lab, three: Scripted) -> None:
    three.order("act:send", Unavailable())
    row = await lab.attempt(await lab.request())
    assert await cancel(lab, row) is Verdict.REQUESTED

    async def crowded(platform: Platform) -> None:
        raise NotYet(timedelta(seconds=40), note=f"our own pace: {platform}", ours=True)

    assert (await replace(lab, turn=crowded).attempt(row)).status is Status.CANCELLED


@pytest.mark.parametrize("refusal", [ContentRefused(), Unavailable(), RuntimeError("a bug")])
async def test_a_cancel_outweighs_whatever_else_ends_the_step(
    lab: Lab, three: Scripted, refusal: Exception
) -> None:
    row = await lab.request()

    async def cancelled_meanwhile(_job: object) -> None:
        assert await cancel(lab, row) is Verdict.REQUESTED
        raise refusal

    three.order("act:draft", cancelled_meanwhile)
    row = await lab.attempt(row)
    assert row.status is not Status.FAILED
    assert (await lab.to_the_end(row)).status is Status.CANCELLED
    assert "act:send" not in three.asked


async def test_a_cancel_during_the_last_attempt_of_an_unseen_step_ends_as_cancelled(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.request()

    async def cancelled_meanwhile(_job: object) -> None:
        await cancel(lab, row)
        raise Unavailable

    three.order("act:draft", *[Unavailable()] * 3, cancelled_meanwhile)
    assert (await lab.to_the_end(row)).status is Status.CANCELLED


async def test_a_refused_visible_call_is_no_post_so_the_cancel_holds(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.request()

    async def cancelled_meanwhile(_job: object) -> None:
        await cancel(lab, row)
        raise ContentRefused

    three.order("act:send", cancelled_meanwhile)
    done = await lab.to_the_end(row)
    assert done.status is Status.CANCELLED
    assert three.made[row.id] == []


async def test_a_visible_call_with_an_unknown_end_is_looked_up_before_a_cancel_is_confirmed(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.request()

    async def posted_but_no_answer(job: object) -> None:
        await cancel(lab, row)
        three.happen("send", job)  # type: ignore[arg-type] # a Job
        raise OutcomeUnknown

    three.order("act:send", posted_but_no_answer)
    done = await lab.to_the_end(row)
    assert done.status is Status.PUBLISHED
    assert three.made[row.id].count("send") == 1


async def test_a_doubt_that_the_look_settles_with_no_lets_the_cancel_through(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.request()

    async def nothing_happened(_job: object) -> None:
        await cancel(lab, row)
        raise OutcomeUnknown

    three.order("act:send", nothing_happened)
    done = await lab.to_the_end(row)
    assert done.status is Status.CANCELLED
    assert three.asked == ["act:draft", "act:send", "look:send", "undo:draft"]


@pytest.mark.parametrize(
    "trouble",
    [Unavailable(), OutcomeUnknown(), ConnectionLost(), VaultUnavailable(), RuntimeError("bug")],
)
async def test_an_undo_that_fails_does_not_keep_it_from_being_cancelled(
    lab: Lab, three: Scripted, trouble: Exception
) -> None:
    drafting = three.stuck("act:draft")
    three.order("undo:draft", trouble)
    row = await lab.request()
    await cancel_during(lab, row, drafting)
    assert (await lab.to_the_end(row)).status is Status.CANCELLED


async def test_drafts_are_undone_in_reverse_order(lab: Lab, platform: Scripted) -> None:
    platform.step("one", Guard.REPEATABLE, undo=True).step("two", Guard.REPEATABLE, undo=True)
    platform.step("three", Guard.CHECKED, visible=True)
    second = platform.stuck("act:two")
    row = await lab.request()
    await cancel_during(lab, row, second)
    assert platform.asked[-2:] == ["undo:two", "undo:one"]


async def test_killed_while_undoing_the_next_worker_undoes_and_says_cancelled(
    lab: Lab, three: Scripted
) -> None:
    three.order("act:send", Unavailable())
    row = await lab.attempt(await lab.request())
    await cancel(lab, row)
    undoing = three.stuck("undo:draft")
    await lab.die_in(row, undoing.reached)
    assert (await lab.read(row)).status is Status.PUBLISHING
    assert (await lab.to_the_end(row)).status is Status.CANCELLED
    assert three.asked.count("undo:draft") == 2


@pytest.mark.parametrize("when", ["claimed", "in a step"])
async def test_a_cancel_of_one_whose_worker_died_is_kept(
    lab: Lab, three: Scripted, when: str
) -> None:
    row = await lab.request()
    if when == "claimed":
        await lab.claim(row)
    else:
        cut = three.stuck("act:draft")
        await lab.die_in(row, cut.reached)
    assert await cancel(lab, row) is Verdict.REQUESTED
    assert (await lab.to_the_end(row)).status is Status.CANCELLED
    assert "act:send" not in three.asked


async def test_a_cancel_and_a_claim_at_once_agree(lab: Lab, three: Scripted) -> None:
    for _ in range(10):
        row = await lab.request()
        verdict, claimed = await asyncio.gather(cancel(lab, row), lab.claim(row))
        assert (verdict is Verdict.CANCELLED) == (claimed is None)
        if claimed is not None:
            await publish(lab.engine(), await lab.read(row))
        assert (await lab.read(row)).status is Status.CANCELLED
    assert three.asked == []
