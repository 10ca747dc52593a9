"""What follows when the platform, the vault or the file says no."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from common.lending import ConnectionLost, VaultUnavailable
from platforms.errors import (
    AccessRevoked,
    ContentRefused,
    NeedsHuman,
    NeverEnding,
    NoRight,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    TokenExpired,
    Unavailable,
)
from platforms.port import Guard, Wait
from platforms.reasons import Reason
from publisher.app.pause_publishing import pause_publishing, resume_publishing
from publisher.app.pauses import Pause, Scope
from publisher.app.retry_publication import retry_publication
from publisher.domain.publication import Publication, Stage, StepState
from publisher.domain.states import Status
from publisher.http.present import publication_out

from .lab import MEDIA, Lab
from .scripted import Gate, Marks, Scripted, answer

pytestmark = pytest.mark.anyio
GUARDS = list(Guard)


@pytest.fixture(params=GUARDS)
def guard(request: pytest.FixtureRequest) -> Guard:
    found: Guard = request.param
    return found


@pytest.fixture
def one_step(platform: Scripted, guard: Guard) -> Scripted:
    """A platform with one step of this kind; people see what it does unless it is repeatable."""
    return platform.step("send", guard, visible=guard is not Guard.REPEATABLE)


def _wait(row: Publication) -> timedelta:
    assert row.due_at is not None
    return row.due_at - row.updated_at


async def test_told_to_wait_it_waits_that_long_and_spends_no_attempt(
    lab: Lab, one_step: Scripted
) -> None:
    one_step.order("act:send", *[RateLimited(timedelta(seconds=77))] * 6)
    row = await lab.request()
    for _ in range(6):
        row = await lab.attempt(await lab.later(row))
        assert (row.status, row.stage, row.stage_why) == (
            Status.PUBLISHING,
            Stage.WAITING,
            "rate_limited",
        )
        assert timedelta(seconds=70) < _wait(row) < timedelta(seconds=80)
        assert (row.attempt, row.failures, row.visible) == (1, 0, False)
    done = await lab.to_the_end(row)
    assert done.status is Status.PUBLISHED
    assert one_step.asked == ["act:send"] * 7


async def test_an_unavailable_platform_is_tried_again_after_5_15_and_60_minutes(
    lab: Lab, one_step: Scripted
) -> None:
    one_step.order("act:send", *[Unavailable(note="503")] * 9)
    row = await lab.request()
    for failures, minutes in enumerate((5, 15, 60), start=1):
        row = await lab.attempt(await lab.later(row))
        assert (row.status, row.stage, row.stage_why) == (
            Status.PUBLISHING,
            Stage.WAITING,
            "retry",
        )
        assert (row.attempt, row.failures) == (failures, failures)
        assert 0.89 < _wait(row) / timedelta(minutes=minutes) < 1.11
    row = await lab.attempt(await lab.later(row))
    assert (row.status, row.error_code, row.attempt) == (Status.FAILED, "retries_exhausted", 4)
    assert one_step.asked == ["act:send"] * 4
    assert (await lab.kinds(row)).count("retry") == 3
    [fact] = [one for one in await lab.told(row) if one["type"] == "PublicationFailed.v1"]
    assert fact["data"]["code"] == "retries_exhausted"


async def test_with_a_repeatable_step_an_unknown_outcome_is_just_another_attempt(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("upload", Guard.REPEATABLE)
    platform.order("act:upload", OutcomeUnknown(note="timeout"))
    done = await lab.to_the_end(await lab.request())
    assert platform.asked == ["act:upload", "act:upload"]
    assert (done.status, done.attempt) == (Status.PUBLISHED, 2)


async def test_after_an_unknown_outcome_a_checked_step_looks_before_it_acts(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.CHECKED, visible=True)

    async def post_but_lose_the_answer(job: Any) -> None:
        platform.happen("send", job)
        raise OutcomeUnknown(note="timeout")

    platform.order("act:send", post_but_lose_the_answer)
    row = await lab.attempt(await lab.request())
    assert (row.step_state, row.visible, row.failures) == (StepState.STARTED, True, 1)
    done = await lab.to_the_end(row)
    assert platform.asked == ["act:send", "look:send"]
    assert platform.made[row.id] == ["send"]
    assert done.status is Status.PUBLISHED


async def test_a_checked_doubt_that_is_never_settled_ends_with_a_person(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.CHECKED, visible=True)
    platform.order("act:send", OutcomeUnknown())
    platform.order("look:send", *[Unavailable(), OutcomeUnknown(), RateLimited(timedelta(1))])
    platform.order("look:send", *[Unavailable()] * 5)
    done = await lab.to_the_end(await lab.request())
    assert (done.status, done.error_code) == (Status.UNCERTAIN, "outcome_unknown")
    assert platform.asked.count("act:send") == 1
    [fact] = [one for one in await lab.told(done) if one["type"] == "PublicationUncertain.v1"]
    assert fact["data"]["step"] == "send"


@pytest.mark.parametrize("error", [OutcomeUnknown(), TimeoutError(), RuntimeError("a bug")])
async def test_an_unknown_outcome_of_a_step_that_can_not_be_looked_up_is_a_persons_business(
    lab: Lab, platform: Scripted, error: Exception
) -> None:
    platform.step("send", Guard.ONCE, visible=True)
    platform.order("act:send", error)
    row = await lab.attempt(await lab.request())
    assert row.status is Status.UNCERTAIN
    assert row.due_at is None
    assert await lab.claim(await lab.later(row)) is None
    assert platform.asked == ["act:send"]


async def test_a_call_that_takes_too_long_is_cut_off(lab: Lab, platform: Scripted) -> None:
    platform.step("send", Guard.ONCE, visible=True)
    platform.order("act:send", Gate())
    impatient = replace(lab, adapter=platform.adapter(timedelta(seconds=0.2)))
    row = await impatient.attempt(await lab.request())
    assert row.status is Status.UNCERTAIN


async def test_a_refused_token_is_replaced_once_and_the_call_made_again(
    lab: Lab, one_step: Scripted
) -> None:
    one_step.order("act:send", TokenExpired())
    done = await lab.attempt(await lab.request())
    assert (done.status, done.attempt) == (Status.PUBLISHED, 1)
    assert lab.tokens.asked == [None, 1]
    assert one_step.tokens == ["token-1", "token-2"]


async def test_a_fresh_token_that_is_refused_too_ends_it(lab: Lab, one_step: Scripted) -> None:
    one_step.order("act:send", TokenExpired(), TokenExpired())
    done = await lab.attempt(await lab.request())
    assert (done.status, done.error_code) == (Status.FAILED, "connection_expired")
    assert (done.step_state, done.visible) == (StepState.READY, False)
    assert one_step.asked == ["act:send"] * 2


@pytest.mark.parametrize("refusal", [AccessRevoked(), ConnectionLost()])
async def test_a_lost_account_ends_it_and_says_so(
    lab: Lab, one_step: Scripted, refusal: Exception
) -> None:
    if isinstance(refusal, PlatformError):
        one_step.order("act:send", refusal)
    else:
        lab.tokens.orders.append(refusal)
    done = await lab.attempt(await lab.request())
    assert (done.status, done.error_code) == (Status.FAILED, "connection_expired")
    assert done.untouched or done.step_state is StepState.READY


async def test_a_vault_that_does_not_answer_costs_nothing_and_leaves_no_doubt(
    lab: Lab, one_step: Scripted
) -> None:
    """It is ours: however long it is away, no attempt is lost by it."""
    row = await lab.request()
    for _ in range(6):
        lab.tokens.orders.append(VaultUnavailable("503"))
        row = await lab.attempt(await lab.later(row))
        assert (row.status, row.stage_why, row.failures) == (Status.PUBLISHING, "retry", 0)
        assert (row.step_state, row.visible) == (StepState.READY, False)
    assert one_step.asked == []
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED


async def test_a_vault_that_is_away_for_longer_than_a_day_costs_attempts(
    lab: Lab, one_step: Scripted
) -> None:
    lab.tokens.orders.extend([VaultUnavailable("503")] * 9)
    row = await lab.request()
    await lab.rows(
        "UPDATE publications SET created_at = now() - interval '25 hours' WHERE id = :id", id=row.id
    )
    done = await lab.to_the_end(row)
    assert (done.status, done.error_code) == (Status.FAILED, "retries_exhausted")
    assert one_step.asked == []


async def test_a_pause_uses_up_no_patience_with_the_vault(lab: Lab, one_step: Scripted) -> None:
    row = await lab.request()
    await lab.rows(
        "UPDATE publications SET created_at = now() - interval '25 hours' WHERE id = :id", id=row.id
    )
    async with lab.transaction() as uow:
        user = (Scope.USER, row.user_id)
        await pause_publishing(uow, Pause(*user, "olga"))
        await resume_publishing(uow, *user, by="olga", reason=None)
    for _ in range(6):
        lab.tokens.orders.append(VaultUnavailable("503"))
        row = await lab.attempt(await lab.later(row))
        assert (row.status, row.failures) == (Status.PUBLISHING, 0)
    assert (await lab.to_the_end(row)).status is Status.PUBLISHED
    assert one_step.asked == ["act:send"]


@pytest.mark.parametrize(
    "refusal",
    [
        TokenExpired(),
        AccessRevoked(),
        NoRight(),
        NeedsHuman(),
        ConnectionLost(),
        NeverEnding(),
    ],
)
async def test_what_people_may_see_has_not_failed_because_nobody_tells_us_more(
    lab: Lab, platform: Scripted, refusal: Exception
) -> None:
    """The clip was taken and is being processed; then the account is refused or disconnected."""
    platform.step("send", Guard.CHECKED, visible=True).step("processed", Guard.REPEATABLE)
    platform.order("act:processed", answer(Wait(Marks(), timedelta(0))), refusal, refusal)
    row = await lab.attempt(await lab.request())
    done = await lab.to_the_end(row)
    assert done.status is Status.UNCERTAIN
    assert done.error_code == getattr(refusal, "code", "connection_expired")


async def test_what_the_platform_says_it_does_not_show_has_failed(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.CHECKED, visible=True).step("processed", Guard.REPEATABLE)
    platform.order("act:processed", ContentRefused(Reason.MODERATION))
    done = await lab.to_the_end(await lab.request())
    assert (done.status, done.error_code) == (Status.FAILED, "content_refused")


async def test_in_doubt_the_next_look_comes_after_the_quarantine_at_the_earliest(
    lab: Lab, platform: Scripted
) -> None:
    """Our call has timed out, but at the platform it may still be under way."""
    platform.step("send", Guard.CHECKED, visible=True)
    platform.order("act:send", OutcomeUnknown())
    hasty = replace(lab, policy=replace(lab.policy, retry_delays=(timedelta(seconds=1),)))
    row = await hasty.attempt(await lab.request())
    assert _wait(row) > lab.policy.quarantine * 0.99


@pytest.mark.parametrize(
    ("refusal", "code", "russian", "english"),
    [
        (ContentRefused(Reason.MODERATION), "content_refused", "модерацией", "moderation"),
        (NeedsHuman(), "human_needed", "капч", "captcha"),
        (NoRight(), "no_right_to_post", "права", "rights"),
    ],
)
async def test_a_permanent_refusal_fails_at_once_and_tells_people_why(
    lab: Lab, one_step: Scripted, refusal: PlatformError, code: str, russian: str, english: str
) -> None:
    one_step.order("act:send", refusal)
    done = await lab.attempt(await lab.request())
    assert (done.status, done.error_code, done.attempt) == (Status.FAILED, code, 1)
    assert (done.due_at, done.visible) == (None, False)
    for lang, said in (("ru", russian), ("en", english)):
        error = publication_out(done, lang).error
        assert error is not None
        assert error.code == code
        assert said in error.detail


async def _read_it(job: Any) -> None:
    async for _ in job.media.stream():
        pass


@pytest.mark.parametrize(
    ("left", "code"),
    [
        (None, "media_not_found"),
        (b"x" * 999, "media_changed"),
        (b"y" * 1000, "media_changed"),
    ],
)
async def test_a_file_that_is_gone_or_another_now_fails_at_once(
    lab: Lab,
    one_step: Scripted,
    media_store: Path,
    left: bytes | None,
    code: str,
) -> None:
    file = media_store / str(MEDIA["key"])
    file.parent.mkdir(parents=True)
    if left is not None:
        file.write_bytes(left)
    one_step.order("act:send", _read_it)
    done = await lab.attempt(await lab.request())
    assert (done.status, done.error_code) == (Status.FAILED, code)
    assert (done.attempt, done.visible) == (1, False)
    error = publication_out(done, "ru").error
    assert error is not None
    assert error.detail


async def test_a_bug_of_ours_is_retried_like_an_unavailable_platform(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("upload", Guard.REPEATABLE)
    platform.order("act:upload", RuntimeError("a bug"))
    row = await lab.attempt(await lab.request())
    assert (row.status, row.stage_why) == (Status.PUBLISHING, "retry")


async def test_a_failed_publication_goes_on_from_its_last_proven_step_when_retried(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("draft", Guard.REPEATABLE).step("send", Guard.CHECKED, visible=True)
    platform.order("act:send", AccessRevoked())
    row = await lab.attempt(await lab.request())
    assert row.error_code == "connection_expired"
    async with lab.transaction() as uow:
        again = await retry_publication(uow, row)
    assert again is not None
    assert (again.status, again.stage, again.error_code) == (
        Status.PUBLISHING,
        Stage.QUEUED,
        None,
    )
    done = await lab.to_the_end(again)
    assert platform.asked == ["act:draft", "act:send", "act:send"]
    assert (done.status, done.attempt) == (Status.PUBLISHED, 1)


async def test_content_that_was_refused_is_begun_afresh_when_retried(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("draft", Guard.REPEATABLE).step("send", Guard.CHECKED, visible=True)
    platform.order("act:send", ContentRefused())
    row = await lab.attempt(await lab.request())
    async with lab.transaction() as uow:
        again = await retry_publication(uow, row)
    assert again is not None
    done = await lab.to_the_end(again)
    assert platform.asked == ["act:draft", "act:send", "act:draft", "act:send"]
    assert done.status is Status.PUBLISHED
