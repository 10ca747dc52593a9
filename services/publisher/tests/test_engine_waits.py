"""Told to wait again and again: it costs no attempt, and still it ends."""

from datetime import timedelta

import pytest

from platforms.answers import read_retry_after
from platforms.errors import NotYet, OutcomeUnknown, RateLimited, Unavailable
from platforms.port import Guard
from platforms.refusals import Refusal
from publisher.app.retry_publication import retry_publication
from publisher.domain.publication import Publication
from publisher.domain.states import Status
from publisher.http.present import publication_out

from .lab import Lab
from .scripted import Scripted

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1, minutes=1)
RETRIES = timedelta(minutes=81)
BUSY = RateLimited(timedelta(seconds=30))


@pytest.fixture
def two(platform: Scripted) -> Scripted:
    platform.step("draft", Guard.REPEATABLE, undo=True)
    return platform.step("send", Guard.CHECKED, visible=True)


async def passes(lab: Lab, row: Publication, time: timedelta) -> Publication:
    """Everything that happened to it happened that much earlier."""
    await lab.rows(
        "UPDATE publications SET created_at = created_at - CAST(:time AS interval) WHERE id = :id",
        time=time,
        id=row.id,
    )
    await lab.rows(
        "UPDATE timeline SET at = at - CAST(:time AS interval) WHERE publication_id = :id",
        time=time,
        id=row.id,
    )
    return await lab.later(row)


async def test_a_platform_that_asks_to_wait_for_ever_is_given_a_day(
    lab: Lab, two: Scripted
) -> None:
    two.order("act:send", *[BUSY] * 50)
    row = await lab.attempt(await lab.request())
    for _ in range(23):
        row = await lab.attempt(await passes(lab, row, timedelta(hours=1)))
        assert (row.status, row.stage_why, row.failures) == (
            Status.PUBLISHING,
            "rate_limited",
            0,
        )
    row = await lab.attempt(await passes(lab, row, DAY - timedelta(hours=23)))
    assert (row.status, row.error_code, row.visible) == (
        Status.FAILED,
        "retries_exhausted",
        False,
    )
    for lang, said in (("ru", "сутки"), ("en", "a day")):
        error = publication_out(row, lang).error
        assert error is not None
        assert said in error.detail


async def test_what_was_due_while_we_were_away_is_given_as_long_as_the_retries_take(
    lab: Lab, two: Scripted
) -> None:
    two.order("act:send", *[BUSY] * 50)
    row = await lab.attempt(await passes(lab, await lab.request(), 3 * DAY))
    assert row.status is Status.PUBLISHING, "it was never told to wait before"
    row = await lab.attempt(await passes(lab, row, RETRIES - timedelta(minutes=5)))
    assert row.status is Status.PUBLISHING
    row = await lab.attempt(await passes(lab, row, timedelta(minutes=6)))
    assert row.status is Status.FAILED


@pytest.mark.usefixtures("lab")
async def test_progress_forgives_the_waits_before_it(lab: Lab, two: Scripted) -> None:
    two.order("act:draft", BUSY)
    two.order("act:send", BUSY)
    row = await lab.attempt(await lab.request())
    row = await lab.attempt(await passes(lab, row, 3 * DAY))
    assert row.status is Status.PUBLISHING
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED


async def test_another_failure_in_between_begins_the_waits_anew(lab: Lab, two: Scripted) -> None:
    two.order("act:draft", BUSY, Unavailable(), BUSY)
    row = await lab.attempt(await lab.request())
    row = await lab.attempt(await passes(lab, row, 3 * DAY))
    row = await lab.attempt(await lab.later(row))
    assert (row.status, row.failures) == (Status.PUBLISHING, 1)


async def test_a_retry_by_its_owner_waits_anew(lab: Lab, two: Scripted) -> None:
    two.order("act:draft", *[BUSY] * 3)
    row = await lab.attempt(await lab.request())
    row = await lab.attempt(await passes(lab, row, 3 * DAY))
    assert row.status is Status.FAILED
    async with lab.transaction() as uow:
        again = await retry_publication(uow, row)
    assert again is not None
    row = await lab.attempt(await lab.later(again))
    assert row.status is Status.PUBLISHING
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED


async def test_our_own_pace_is_waited_for_however_long_it_takes(lab: Lab, two: Scripted) -> None:
    line = NotYet(timedelta(hours=5), ours=True)
    two.order("act:send", line, line, line, BUSY)
    row = await lab.attempt(await lab.request())
    for _ in range(3):
        row = await lab.attempt(await passes(lab, row, 3 * DAY))
        assert (row.status, row.stage_why) == (Status.PUBLISHING, "rate_limited")
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED


@pytest.mark.parametrize("guard", [Guard.CHECKED, Guard.REPEATABLE])
async def test_what_people_may_see_is_left_to_a_person(
    lab: Lab, platform: Scripted, guard: Guard
) -> None:
    """A look that is refused for ever, or a poll."""
    platform.step("send", Guard.CHECKED, visible=True).step("shown", guard)
    platform.order("act:send", OutcomeUnknown())
    platform.order("look:send", *[BUSY] * 3)
    row = await lab.attempt(await lab.request())
    row = await lab.attempt(await lab.later(row))
    row = await lab.attempt(await passes(lab, row, DAY))
    assert (row.status, row.error_code) == (Status.UNCERTAIN, "outcome_unknown")
    assert platform.asked.count("act:send") == 1


@pytest.mark.parametrize(
    "told",
    ["315360000", "1e999", "inf", "NaN", "-5", "-inf", "0", "Fri, 01 Jan 1999 00:00:00 GMT", ""],
)
async def test_whatever_a_platform_says_the_next_attempt_is_within_a_day(
    lab: Lab, two: Scripted, told: str
) -> None:
    two.order("act:draft", Refusal(RateLimited).build("429", told=read_retry_after(told)))
    row = await lab.attempt(await lab.request())
    assert row.status is Status.PUBLISHING
    assert row.due_at is not None
    assert timedelta(0) < row.due_at - row.updated_at <= timedelta(days=1)
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED
