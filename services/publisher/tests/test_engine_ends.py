"""How publications end that can't simply go on, and what counts as progress on the way."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.bus.subscription import Heard
from common.contracts.accounts import PlanChanged
from common.contracts.publisher import PublicationRequested
from common.contracts.words import Platform
from common.ids import new_id
from platforms.errors import NotConfigured, StartOver, Unavailable
from platforms.port import Guard, Wait
from platforms.reasons import Reason
from publisher.app.publish import publish
from publisher.app.work import Worker
from publisher.domain.publication import Publication
from publisher.domain.rules import Verdict
from publisher.domain.states import Status

from .lab import Lab
from .scripted import Marks, Scripted, answer
from .test_engine_cancel import cancel
from .test_reactions import disconnected

pytestmark = pytest.mark.anyio


@pytest.fixture
def three(platform: Scripted) -> Scripted:
    platform.step("draft", Guard.REPEATABLE, undo=True)
    platform.step("send", Guard.CHECKED, visible=True)
    return platform.step("processed", Guard.REPEATABLE)


async def test_a_platform_that_is_switched_off_ends_it_instead_of_turning_for_ever(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.request()
    claimed = await lab.claim(row)
    assert claimed is not None
    await publish(replace(lab.engine(), adapters={}), claimed)
    done = await lab.read(row)
    assert (done.status, done.error_code) == (Status.FAILED, "platform_unavailable")
    assert three.asked == []


async def test_switched_off_while_people_may_see_the_post_a_person_has_to_look(
    lab: Lab, three: Scripted
) -> None:
    three.order("act:processed", answer(Wait(Marks(), timedelta())))
    row = await lab.attempt(await lab.request())
    claimed = await lab.claim(row)
    assert claimed is not None
    await publish(replace(lab.engine(), adapters={}), claimed)
    assert (await lab.read(row)).status is Status.UNCERTAIN


async def test_switched_off_with_a_wish_to_cancel_it_is_cancelled(
    lab: Lab, three: Scripted
) -> None:
    row = await lab.request()
    claimed = await lab.claim(row)
    assert claimed is not None
    assert await cancel(lab, row) is Verdict.REQUESTED
    await publish(replace(lab.engine(), adapters={}), claimed)
    assert (await lab.read(row)).status is Status.CANCELLED
    assert three.asked == []


async def test_a_step_that_this_build_does_not_know_ends_it(lab: Lab, three: Scripted) -> None:
    row = await lab.request()
    await lab.rows("UPDATE publications SET step = 'of a newer build' WHERE id = :id", id=row.id)
    done = await lab.attempt(row)
    assert done.status is Status.FAILED
    assert three.asked == []


async def test_progress_gives_all_attempts_back(lab: Lab, three: Scripted) -> None:
    """Three failures of one step and three of the next are not six of one."""
    three.order("act:draft", *[Unavailable()] * 3)
    three.order("act:send", *[Unavailable()] * 3)
    done = await lab.to_the_end(await lab.request(), attempts=12)
    assert done.status is Status.PUBLISHED


async def test_what_people_may_see_is_never_called_failed_for_want_of_an_answer(
    lab: Lab, three: Scripted
) -> None:
    three.order("act:processed", *[Unavailable()] * 9)
    done = await lab.to_the_end(await lab.request())
    assert (done.status, done.visible) == (Status.UNCERTAIN, True)


async def test_when_no_attempt_is_left_the_platforms_own_reason_is_told(
    lab: Lab, three: Scripted
) -> None:
    three.order("act:draft", *[StartOver(Reason.MEDIA_UNREACHABLE)] * 9)
    done = await lab.to_the_end(await lab.request())
    assert (done.status, done.error_code, done.error_reason) == (
        Status.FAILED,
        "retries_exhausted",
        "media_unreachable",
    )


async def test_what_came_to_nothing_is_begun_afresh(lab: Lab, three: Scripted) -> None:
    three.order("act:processed", StartOver())
    done = await lab.to_the_end(await lab.request())
    assert three.asked == [*("act:draft", "act:send", "act:processed")] * 2
    assert done.status is Status.PUBLISHED


async def test_what_comes_to_nothing_again_and_again_ends_though_its_first_steps_succeed(
    lab: Lab, three: Scripted
) -> None:
    for _ in range(9):
        three.order("act:processed", answer(Wait(Marks(), timedelta())))
        three.order("act:processed", StartOver(Reason.MEDIA_UNREACHABLE))
    done = await lab.to_the_end(await lab.request(), attempts=20)
    assert three.asked.count("act:send") == 4
    assert (done.status, done.error_reason) == (Status.FAILED, "media_unreachable")


async def test_an_application_that_is_refused_fails_at_once(lab: Lab, three: Scripted) -> None:
    three.order("act:draft", NotConfigured())
    done = await lab.attempt(await lab.request())
    assert (done.status, done.error_code) == (Status.FAILED, "platform_unavailable")


async def test_a_cancel_keeps_its_reason_until_it_is_done(
    lab: Lab, three: Scripted, user: str
) -> None:
    account = await lab.connection(user)
    row = await lab.request(connection=account)
    cut = three.stuck("act:draft")
    await lab.die_in(row, cut.reached)
    await lab.hear(disconnected(account.id, user), 2)
    done = await lab.to_the_end(row)
    assert done.status is Status.CANCELLED
    assert (await lab.lines(row))[-1]["detail"] == "disconnected"
    [fact] = [one for one in await lab.told(row) if one["type"] == "PublicationCancelled.v1"]
    assert fact["data"]["why"] == "disconnected"


async def test_when_a_step_began_is_known_to_whoever_looks_for_what_it_left(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.CHECKED, visible=True)
    seen: list[datetime] = []
    cut = platform.stuck("act:send")

    async def look(job: object) -> None:
        seen.append(job.begun_at)  # type: ignore[attr-defined] # a Job

    platform.order("look:send", look)
    row = await lab.request()
    await lab.rows(
        "UPDATE publications SET created_at = created_at - interval '1 day' WHERE id = :id",
        id=row.id,
    )
    await lab.die_in(row, cut.reached)
    await lab.to_the_end(row)
    [begun] = seen
    assert datetime.now(UTC) - begun < timedelta(minutes=1)


async def test_a_slow_platform_holds_up_no_other(lab: Lab, platform: Scripted) -> None:
    platform.step("send", Guard.CHECKED, visible=True)
    stuck = platform.stuck("act:send")
    engine = lab.engine()
    both = replace(engine, adapters=dict.fromkeys(Platform, lab.adapter))
    worker = Worker(both, slots=1)
    slow = await lab.request()
    other = await lab.request(connection=await lab.connection("u", Platform.TELEGRAM))

    def call(row: Publication) -> Heard:
        fact = PublicationRequested(
            publication_id=row.id,
            user_id=row.user_id,
            connection_id=row.connection_id,
            platform=row.platform,
        )
        return Heard(fact, 1, new_id())

    async with asyncio.timeout(10):
        await worker(call(slow))
        await stuck.reached.wait()
        await worker(call(other))
        stuck.go.set()
        await worker.drain(5)
    assert (await lab.read(other)).status is Status.PUBLISHED


async def test_a_plan_that_shrinks_and_a_cancel_by_the_user_at_once_cancel_it_once(
    lab: Lab, user: str
) -> None:
    row = await lab.request(
        at=datetime.now(UTC) + timedelta(days=1), connection=await lab.connection(user)
    )
    news = PlanChanged(user_id=user, plan="free", changed_at=datetime.now(UTC))
    await asyncio.gather(cancel(lab, row), lab.hear(news))
    done = await lab.read(row)
    assert (done.status, done.version) == (Status.CANCELLED, 2)
    assert (await lab.kinds(row)).count("cancelled") == 1
