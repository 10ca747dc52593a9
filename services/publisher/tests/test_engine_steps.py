"""Every kind of step, killed at every commit: nothing is lost, and nothing is posted twice."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.ids import new_id
from platforms.port import Guard, Wait
from publisher.app.publish import publish
from publisher.domain.publication import Stage, StepState
from publisher.domain.states import Status

from .lab import Killed, Lab, Mortal
from .scripted import URL, Gate, Marks, Scripted, answer

pytestmark = pytest.mark.anyio
COMMITS = 12
"""More than any attempt here makes."""


@pytest.fixture
def three(platform: Scripted) -> Scripted:
    """Reserve, upload (now people see it), processed: as most platforms go."""
    platform.step("reserve", Guard.CHECKED, undo=True)
    platform.step("upload", Guard.CHECKED, visible=True)
    return platform.step("processed", Guard.REPEATABLE)


async def test_steps_run_in_order_and_the_post_is_told(lab: Lab, three: Scripted) -> None:
    row = await lab.attempt(await lab.request())
    assert three.asked == ["act:reserve", "act:upload", "act:processed"]
    assert (row.status, row.post_id, row.url) == (Status.PUBLISHED, "post-1", URL + str(row.id))
    assert row.published_at is not None
    assert (row.stage, row.percent, row.due_at, row.lease_until) == (None, None, None, None)
    assert await lab.kinds(row) == [
        "requested",
        "claimed",
        *["step_started", "step_done"] * 2,
        "step_started",
        "published",
    ]
    requested, published = await lab.told(row)
    assert requested["type"] == "PublicationRequested.v1"
    assert published["type"] == "PublicationPublished.v1"
    assert published["data"]["post_id"] == "post-1"
    assert published["aggregateversion"] == row.version == 2


async def test_each_step_gets_the_cursor_of_the_one_before(lab: Lab, three: Scripted) -> None:
    seen: list[list[str]] = []

    async def look(job: object) -> None:
        seen.append(job.cursor.done)  # type: ignore[attr-defined] # a Job

    three.order("act:processed", look)
    await lab.attempt(await lab.request())
    assert seen == [["reserve", "upload"]]


async def test_a_step_goes_by_the_databases_time_and_not_by_its_workers(
    lab: Lab, platform: Scripted
) -> None:
    """As if every claim had been an hour ago by the worker's clock."""
    platform.step("send", Guard.CHECKED, visible=True)
    seen: list[datetime] = []

    async def ask(job: Any) -> None:
        seen.append(job.now())

    platform.order("act:send", ask)
    row = await lab.claim(await lab.request())
    assert row is not None
    hour = timedelta(hours=1)
    await publish(lab.engine(), replace(row, updated_at=row.updated_at - hour))
    assert abs(datetime.now(UTC) - hour - seen[0]) < timedelta(seconds=5)


@pytest.mark.parametrize("guard", [Guard.REPEATABLE, Guard.CHECKED])
@pytest.mark.parametrize("commits", range(COMMITS))
async def test_killed_before_any_commit_it_is_finished_by_another_worker_and_posted_once(
    lab: Lab, platform: Scripted, guard: Guard, commits: int
) -> None:
    platform.step("draft", Guard.REPEATABLE, undo=True)
    platform.step("send", Guard.CHECKED, visible=True)
    platform.step("shown", guard)
    row = await lab.request()
    try:
        await lab.attempt(row, Mortal(lab.transaction, commits))
    except Killed:
        assert (await lab.read(row)).status is Status.PUBLISHING
    done = await lab.to_the_end(row)
    assert done.status is Status.PUBLISHED
    assert platform.made[row.id].count("send") == 1
    assert (await lab.kinds(done)).count("published") == 1


@pytest.mark.parametrize("commits", range(4))
async def test_a_step_that_can_not_be_looked_up_ends_with_a_person_unless_it_surely_did_not_begin(
    lab: Lab, platform: Scripted, commits: int
) -> None:
    platform.step("send", Guard.ONCE, visible=True)
    row = await lab.request()
    with suppress(Killed):
        await lab.attempt(row, Mortal(lab.transaction, commits))
    done = await lab.to_the_end(row)
    assert platform.asked == ["act:send"]
    assert done.status is (Status.UNCERTAIN if commits == 1 else Status.PUBLISHED)


async def test_a_repeatable_step_that_was_cut_off_is_simply_done_again(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("draft", Guard.REPEATABLE).step("send", Guard.CHECKED, visible=True)
    row = await lab.cut_off(platform.stuck("act:draft"))
    assert (await lab.read(row)).step_state is StepState.STARTED
    done = await lab.to_the_end(row)
    assert platform.asked == ["act:draft", "act:draft", "act:send"]
    assert done.status is Status.PUBLISHED


async def test_a_checked_step_that_was_cut_off_is_looked_up_and_not_repeated_when_found(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.CHECKED, visible=True)

    cut = Gate()

    async def post_and_hang(job: object) -> None:
        platform.happen("send", job)  # type: ignore[arg-type] # a Job
        await cut(job)  # type: ignore[arg-type] # as above

    platform.order("act:send", post_and_hang)
    row = await lab.request()
    await lab.die_in(row, cut.reached)
    done = await lab.to_the_end(row)
    assert platform.asked == ["act:send", "look:send"]
    assert platform.made[row.id] == ["send"]
    assert done.status is Status.PUBLISHED


async def test_a_checked_step_that_did_not_happen_is_done_after_the_look(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.CHECKED, visible=True)
    row = await lab.cut_off(platform.stuck("act:send"))
    done = await lab.to_the_end(row)
    assert platform.asked == ["act:send", "look:send", "act:send"]
    assert "absent" in await lab.kinds(row)
    assert done.status is Status.PUBLISHED


async def test_what_was_proved_is_not_done_again(lab: Lab, three: Scripted) -> None:
    row = await lab.cut_off(three.stuck("act:processed"))
    done = await lab.to_the_end(row)
    assert three.asked == ["act:reserve", "act:upload", "act:processed", "act:processed"]
    assert done.status is Status.PUBLISHED


async def test_waiting_gives_the_worker_back_and_costs_no_attempt(
    lab: Lab, three: Scripted
) -> None:
    wait = Wait(Marks(done=["x"]), timedelta(seconds=40))
    three.order("act:processed", answer(wait), answer(wait))
    row = await lab.attempt(await lab.request())
    assert (row.status, row.stage, row.stage_why) == (
        Status.PUBLISHING,
        Stage.PROCESSING,
        "processing",
    )
    assert row.lease_until is None
    assert row.due_at is not None
    assert timedelta(seconds=35) < row.due_at - row.updated_at < timedelta(seconds=45)
    assert row.due_at == row.stage_until or abs(row.due_at - (row.stage_until or row.due_at)) < (
        timedelta(seconds=1)
    )
    assert await lab.claim(row) is None, "it is not due yet"
    done = await lab.to_the_end(row)
    assert done.status is Status.PUBLISHED
    assert (done.attempt, done.failures) == (1, 0)
    assert three.asked.count("act:processed") == 3
    assert three.asked.count("act:upload") == 1


async def test_a_step_that_asks_to_be_run_again_is_not_visible_yet(
    lab: Lab, three: Scripted
) -> None:
    three.order("act:upload", answer(Wait(Marks(done=["reserve"]), timedelta(), "upload_again")))
    row = await lab.attempt(await lab.request())
    assert (row.step, row.step_state, row.visible) == ("upload", StepState.READY, False)


async def test_every_attempt_belongs_to_the_trace_of_the_request(lab: Lab, three: Scripted) -> None:
    row = await lab.attempt(await lab.request())
    trace_id = row.traceparent.split("-")[1]
    assert {line["trace_id"] for line in await lab.lines(row)} == {trace_id}
    for fact in await lab.told(row):
        assert fact["traceparent"].split("-")[1] == trace_id
        assert fact["correlationid"] == row.correlation_id
    assert three.asked


async def test_an_ended_publication_is_not_claimed_again(lab: Lab, three: Scripted) -> None:
    row = await lab.attempt(await lab.request())
    assert await lab.claim(row) is None
    assert await lab.claim(await lab.later(row)) is None
    stranger = await lab.request()
    await lab.rows("DELETE FROM publications WHERE id = :id", id=stranger.id)
    assert await lab.claim(stranger) is None
    assert new_id() != row.id
    assert len(three.asked) == 3
