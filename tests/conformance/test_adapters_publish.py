"""One suite for all adapters: a clip is published once, whatever answers are lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from common.contracts.words import Platform
from conformance.adapter_kit import Clip, Walk, dripping, urls_of, walk_of
from conformance.sandbox_process import Sandbox, running
from platforms.calls import Call
from platforms.errors import (
    AccessRevoked,
    ContentRefused,
    NeedsHuman,
    NeverEnding,
    NoRight,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    StartOver,
    TokenExpired,
    Unavailable,
)
from platforms.port import Wait
from platforms.reasons import Reason
from platforms.registry import adapters

pytestmark = pytest.mark.anyio

ONLY_VK = pytest.mark.parametrize("platform", [Platform.VK], indirect=True)
ONLY_TELEGRAM = pytest.mark.parametrize("platform", [Platform.TELEGRAM], indirect=True)
ONLY_RUTUBE = pytest.mark.parametrize("platform", [Platform.RUTUBE], indirect=True)
ONLY_DZEN = pytest.mark.parametrize("platform", [Platform.DZEN], indirect=True)


def every_post(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Also those that were deleted."""
    posts: list[dict[str, Any]] = sandbox.control.get("/_ledger").json()
    return posts


async def test_a_clip_is_published_once_and_whole(walk: Walk, sandbox: Sandbox) -> None:
    published = await walk.publish()
    [post] = sandbox.ledger()
    assert post["sha256"] == walk.clip.sha256
    assert (post["post_id"], post["url"]) == (published.post_id, published.url)
    assert walk.title in post["title"]


async def test_nothing_we_send_departs_from_the_documentation(walk: Walk, sandbox: Sandbox) -> None:
    await walk.publish()
    assert [entry["warnings"] for entry in sandbox.journal() if entry["warnings"]] == []


async def test_progress_is_told_in_bytes_of_the_file(walk: Walk) -> None:
    await walk.publish()
    fetched = walk.adapter.platform is Platform.RUTUBE
    assert walk.sent == ([] if fetched else [walk.clip.size])


LOOKED_UP = [
    (Platform.VK, "video.save"),
    (Platform.VK, "upload"),
    (Platform.RUTUBE, "create"),
    (Platform.DZEN, "draft"),
    (Platform.DZEN, "upload"),
    (Platform.DZEN, "publish"),
]
LOST = ["drop_after", "half_answer", "invalid_json", "error_502_html_after", "timeout_after"]
NOT_ACTED = ["error_500", "html", "empty_json", "huge", "gzip_bomb", "drop_before"]


@pytest.mark.parametrize("kind", [*LOST, *NOT_ACTED])
@pytest.mark.parametrize(("platform", "step"), LOOKED_UP, indirect=["platform"])
async def test_a_lost_answer_is_looked_up_and_the_clip_appears_once(
    walk: Walk, sandbox: Sandbox, step: str, kind: str
) -> None:
    sandbox.fail(walk.adapter.platform, step, kind, seconds=3)
    published = await walk.publish()
    assert [post["post_id"] for post in sandbox.ledger()] == [published.post_id]
    assert any("OutcomeUnknown" in line or "Unavailable" in line for line in walk.told)


async def test_a_video_that_rutube_lists_late_is_not_made_twice(clip: Clip) -> None:
    with running(PROCESSING_SECONDS="120") as slow:
        slow.switch(rutube_list_lags=True)
        slow.fail("rutube", "create", "drop_after")
        board = adapters(urls_of(slow))
        walk = walk_of(slow, board, Platform.RUTUBE, clip)
        create, _ = walk.adapter.publishing.steps()
        await walk.take(create)
        assert [post["post_id"] for post in slow.ledger()] == [walk.cursor.video_id]
        assert walk.told[1].startswith("looked too early by 0:09:")
        await board.aclose()


@ONLY_VK
async def test_a_video_that_vk_shows_late_is_not_uploaded_twice(
    walk: Walk, sandbox: Sandbox
) -> None:
    sandbox.fail("vk", "video.save", "appears_late")
    sandbox.fail("vk", "upload", "drop_after")
    published = await walk.publish()
    [post] = every_post(sandbox)
    assert (post["post_id"], post["deleted_at"]) == (published.post_id, None)


@pytest.mark.parametrize("platform", [Platform.VK, Platform.RUTUBE], indirect=True)
async def test_a_worker_whose_clock_is_an_hour_ahead_does_not_take_late_for_absent(
    walk: Walk, sandbox: Sandbox
) -> None:
    sandbox.fail("vk", "video.save", "appears_late")
    first, *_ = walk.adapter.publishing.steps()
    if walk.adapter.platform is Platform.VK:
        await walk.take(first)
    walk.begun_at -= timedelta(hours=1)
    walk.now = lambda: walk.begun_at + timedelta(minutes=1)
    [look] = [step.look for step in walk.adapter.publishing.steps() if step.look]
    with pytest.raises(RateLimited) as caught:
        await walk.patiently(look)
    assert timedelta(minutes=8) < caught.value.retry_after < timedelta(minutes=10)


@pytest.mark.parametrize("platform", [Platform.VK, Platform.RUTUBE], indirect=True)
async def test_nor_does_it_take_a_post_for_gone(walk: Walk, sandbox: Sandbox) -> None:
    sandbox.fail("vk", "video.save", "appears_late")
    *steps, processed = walk.adapter.publishing.steps()
    walk.now = lambda: datetime.now(UTC) - timedelta(hours=1)
    for step in steps:
        await walk.take(step)
    assert isinstance(await walk.patiently(processed.act), Wait)


@ONLY_VK
async def test_a_refused_address_deletes_nothing_that_vk_shows_late(
    walk: Walk, sandbox: Sandbox
) -> None:
    sandbox.fail("vk", "video.save", "appears_late")
    reserve, upload, _ = walk.adapter.publishing.steps()
    await walk.take(reserve)
    reserved = walk.cursor
    await walk.take(upload)
    walk.cursor = reserved
    with pytest.raises(RateLimited):
        await walk.take(upload)
    [post] = every_post(sandbox)
    assert post["deleted_at"] is None


@ONLY_VK
async def test_what_another_publication_has_reserved_is_left_alone(
    walk: Walk, sandbox: Sandbox
) -> None:
    other = Walk(sandbox, walk.adapter, walk.account_id, walk.token, walk.clip)
    reserve, *rest = other.adapter.publishing.steps()
    await other.take(reserve)
    sandbox.fail("vk", "video.save", "drop_after")
    published = await walk.publish()
    for step in rest:
        last = await other.take(step)
    assert last is not None
    assert {post["post_id"] for post in sandbox.ledger()} == {published.post_id, last.post_id}
    assert last.post_id == f"{walk.account_id}_{other.cursor.video_id}"
    assert [entry for entry in sandbox.journal() if entry["step"] == "video.delete"] == []


@ONLY_TELEGRAM
@pytest.mark.parametrize("kind", LOST)
async def test_a_lost_answer_of_telegram_is_left_to_a_person(
    walk: Walk, sandbox: Sandbox, kind: str
) -> None:
    sandbox.fail("telegram", "sendVideo", kind, seconds=3)
    with pytest.raises(OutcomeUnknown):
        await walk.publish()
    assert len(sandbox.ledger()) == 1


@ONLY_TELEGRAM
async def test_an_upload_to_telegram_that_broke_off_is_repeated(
    walk: Walk, sandbox: Sandbox
) -> None:
    walk.clip.padding = 24 * 1024 * 1024
    sandbox.fail("telegram", "sendVideo", "reset_upload")
    await walk.publish()
    assert walk.told == ["send: Unavailable"]
    assert len(sandbox.ledger()) == 1


@ONLY_TELEGRAM
async def test_a_group_that_has_moved_is_written_to_at_its_new_id(
    walk: Walk, sandbox: Sandbox
) -> None:
    group = sandbox.account("telegram", kind="migrated_group")
    walk.account_id, walk.token = str(group["chat_id"]), SecretStr(group["token"])
    published = await walk.publish()
    assert published.post_id.startswith(f"{group['migrated_to']}_")
    assert len(sandbox.ledger()) == 1


@ONLY_TELEGRAM
@pytest.mark.parametrize(
    ("kind", "public", "form"),
    [
        ("channel", True, "https://t.me/{name}/{number}"),
        ("supergroup", True, "https://t.me/{name}/{number}"),
        ("channel", False, "https://t.me/c/{id}/{number}"),
        ("supergroup", False, "https://t.me/c/{id}/{number}"),
        ("group", False, "https://t.me"),
    ],
)
async def test_a_post_of_telegram_has_the_address_of_its_kind_of_chat(
    walk: Walk, sandbox: Sandbox, kind: str, public: bool, form: str
) -> None:
    chat = sandbox.account("telegram", kind=kind, public=public)
    walk.account_id, walk.token = str(chat["chat_id"]), SecretStr(chat["token"])
    published = await walk.publish()
    assert published.url == form.format(
        name=chat["channel"].removeprefix("@"),
        id=walk.account_id.removeprefix("-100"),
        number=published.post_id.partition("_")[2],
    )


async def test_every_api_call_passes_the_gate_and_bytes_to_upload_hosts_do_not(
    walk: Walk, sandbox: Sandbox
) -> None:
    calls: list[Call] = []

    @asynccontextmanager
    async def gate(call: Call) -> AsyncIterator[None]:
        calls.append(call)
        yield

    board = adapters(urls_of(sandbox), gate=gate)
    walk.adapter = board[walk.adapter.platform]
    await walk.publish()
    await board.aclose()
    sent = [entry for entry in sandbox.journal() if entry["step"] not in {"upload", None}]
    assert len(calls) == len(sent)
    assert {call.account for call in calls} == {
        walk.token.get_secret_value().partition(":")[0]
        if walk.adapter.platform is Platform.TELEGRAM
        else walk.account_id
    }


async def test_a_closed_gate_means_that_nothing_was_sent(walk: Walk, sandbox: Sandbox) -> None:
    @asynccontextmanager
    async def closed(call: Call) -> AsyncIterator[None]:
        raise RateLimited(timedelta(minutes=1), note=call.method)
        yield

    board = adapters(urls_of(sandbox), gate=closed)
    walk.adapter = board[walk.adapter.platform]
    with pytest.raises(RateLimited):
        await walk.publish()
    await board.aclose()
    assert [entry for entry in sandbox.journal() if entry["step"]] == []


FIRST = {
    Platform.VK: "video.save",
    Platform.RUTUBE: "create",
    Platform.DZEN: "draft",
    Platform.TELEGRAM: "sendVideo",
}


async def test_the_gate_hears_that_an_account_asked_too_often(walk: Walk, sandbox: Sandbox) -> None:
    """So that everybody who shares the account waits as well."""
    told: list[str] = []

    @asynccontextmanager
    async def gate(call: Call) -> AsyncIterator[None]:
        try:
            yield
        except RateLimited:
            told.append(call.method)
            raise

    sandbox.fail(walk.adapter.platform, FIRST[walk.adapter.platform], "rate_limited")
    board = adapters(urls_of(sandbox), gate=gate)
    walk.adapter = board[walk.adapter.platform]
    with suppress(RateLimited):  # short waits are waited
        await walk.publish()
    await board.aclose()
    assert told == [FIRST[walk.adapter.platform]]


REFUSED: list[tuple[Platform, str, str, type[PlatformError], Reason]] = [
    (Platform.VK, "video.save", "token_refused", TokenExpired, Reason.TOKEN_REFUSED),
    (Platform.VK, "video.save", "token_expired", TokenExpired, Reason.TOKEN_REFUSED),
    (Platform.VK, "video.save", "scope_missing", NoRight, Reason.SCOPE_MISSING),
    (Platform.VK, "video.save", "user_deactivated", AccessRevoked, Reason.ACCOUNT_BLOCKED),
    (Platform.VK, "video.save", "captcha", NeedsHuman, Reason.CAPTCHA),
    (Platform.VK, "video.save", "validation", NeedsHuman, Reason.VALIDATION),
    (Platform.VK, "video.save", "two_factor_needed", NeedsHuman, Reason.TWO_FACTOR),
    (Platform.VK, "upload", "content_refused", ContentRefused, Reason.MODERATION),
    (Platform.RUTUBE, "create", "token_refused", TokenExpired, Reason.TOKEN_REFUSED),
    (Platform.RUTUBE, "create", "forbidden", NoRight, Reason.NO_RIGHT),
    (Platform.RUTUBE, "create", "rejected", ContentRefused, Reason.MODERATION),
    (Platform.DZEN, "draft", "token_refused", TokenExpired, Reason.TOKEN_REFUSED),
    (Platform.DZEN, "upload", "token_refused", TokenExpired, Reason.TOKEN_REFUSED),
    (Platform.DZEN, "draft", "forbidden", NoRight, Reason.NO_RIGHT),
    (Platform.DZEN, "publish", "moderation", ContentRefused, Reason.MODERATION),
    (Platform.DZEN, "publish", "rejected", ContentRefused, Reason.MODERATION),
    (Platform.TELEGRAM, "sendVideo", "token_refused", TokenExpired, Reason.TOKEN_REFUSED),
    (Platform.TELEGRAM, "sendVideo", "kicked", NoRight, Reason.NOT_A_MEMBER),
    (Platform.TELEGRAM, "sendVideo", "no_rights", NoRight, Reason.BOT_MAY_NOT_POST),
    (Platform.TELEGRAM, "sendVideo", "chat_not_found", NoRight, Reason.CHAT_NOT_FOUND),
    (Platform.TELEGRAM, "sendVideo", "too_large", ContentRefused, Reason.FILE_TOO_LARGE),
]


@pytest.mark.parametrize(
    ("platform", "step", "kind", "refused", "reason"), REFUSED, indirect=["platform"]
)
async def test_a_refusal_says_what_a_person_can_do(
    walk: Walk,
    sandbox: Sandbox,
    step: str,
    kind: str,
    refused: type[PlatformError],
    reason: Reason,
) -> None:
    sandbox.fail(walk.adapter.platform, step, kind)
    with pytest.raises(refused) as caught:
        await walk.publish()
    assert (type(caught.value), caught.value.reason) == (refused, reason)


TOLD_TO_WAIT = [
    (Platform.VK, "video.save", "rate_limited", 1),
    (Platform.VK, "video.save", "flood", 3600),
    (Platform.VK, "video.save", "quota", 6 * 3600),
    (Platform.VK, "video.save", "rate_limited_no_delay", 60),
    (Platform.RUTUBE, "create", "rate_limited", 30),
    (Platform.RUTUBE, "create", "rate_limited_told", 2),
    (Platform.DZEN, "publish", "rate_limited", 2),
    (Platform.TELEGRAM, "sendVideo", "rate_limited", 3),
]


@pytest.mark.parametrize(
    ("platform", "step", "kind", "seconds"), TOLD_TO_WAIT, indirect=["platform"]
)
async def test_told_to_wait_we_know_how_long(
    walk: Walk, sandbox: Sandbox, step: str, kind: str, seconds: int
) -> None:
    walk.patience = 0
    sandbox.fail(walk.adapter.platform, step, kind)
    with pytest.raises(RateLimited) as caught:
        await walk.publish()
    assert caught.value.retry_after.total_seconds() == seconds


@ONLY_RUTUBE
async def test_a_link_that_rutube_can_not_fetch_is_told_as_that(
    walk: Walk, sandbox: Sandbox
) -> None:
    walk.clip.url = "http://127.0.0.1:9/nobody-listens"
    with pytest.raises(StartOver) as caught:
        await walk.publish()
    assert caught.value.reason is Reason.MEDIA_UNREACHABLE
    assert sandbox.ledger() == []


async def test_processing_that_never_ends_is_told_to_a_person(clip: Clip) -> None:
    with running(PROCESSING_SECONDS="3600") as slow:
        urls = urls_of(slow).model_copy(update={"processing_max": timedelta(seconds=1)})
        board = adapters(urls)
        slow.fail("vk", "upload", "processing_forever")
        for platform in (Platform.VK, Platform.RUTUBE, Platform.DZEN):
            walk = walk_of(slow, board, platform, clip)
            with pytest.raises(NeverEnding) as caught:
                await walk.publish()
            assert caught.value.reason is Reason.PROCESSING_STUCK
            assert walk.told
        await board.aclose()


@ONLY_RUTUBE
async def test_a_download_that_never_ends_starts_over_and_leaves_nothing(
    walk: Walk, sandbox: Sandbox
) -> None:
    urls = urls_of(sandbox).model_copy(update={"upload_timeout_rutube": timedelta(seconds=1)})
    board = adapters(urls)
    walk.adapter = board[Platform.RUTUBE]
    async with dripping() as url:
        walk.clip.url = url
        with pytest.raises(StartOver) as caught:
            await walk.publish()
    await board.aclose()
    assert caught.value.reason is Reason.MEDIA_UNREACHABLE
    assert sandbox.ledger() == []


@ONLY_RUTUBE
async def test_an_earlier_publication_of_the_same_file_is_not_taken_for_this_one(
    walk: Walk, sandbox: Sandbox
) -> None:
    earlier = await walk.publish()
    again = Walk(sandbox, walk.adapter, walk.account_id, walk.token, walk.clip)
    again.created_at = walk.created_at + timedelta(hours=4)
    sandbox.fail("rutube", "create", "drop_before")
    later = await again.publish()
    assert {post["post_id"] for post in sandbox.ledger()} == {earlier.post_id, later.post_id}


@ONLY_VK
async def test_a_refused_upload_starts_over_with_another_id(walk: Walk, sandbox: Sandbox) -> None:
    sandbox.fail("vk", "upload", "upload_error")
    published = await walk.publish()
    assert "upload: upload_again" in walk.told
    assert [post["post_id"] for post in sandbox.ledger()] == [published.post_id]


@ONLY_VK
async def test_an_upload_that_is_always_refused_gives_up(walk: Walk, sandbox: Sandbox) -> None:
    sandbox.fail("vk", "upload", "upload_error", times=20)
    with pytest.raises(Unavailable):
        await walk.publish()
    assert sandbox.ledger() == []


@ONLY_VK
async def test_an_expired_upload_address_is_replaced(walk: Walk, sandbox: Sandbox) -> None:
    reserve, *_ = walk.adapter.publishing.steps()
    await walk.take(reserve)
    first = walk.cursor
    walk.cursor = first.model_copy(update={"expires_at": walk.created_at})
    for step in walk.adapter.publishing.steps()[1:]:
        published = await walk.take(step)
    assert published is not None
    assert published.post_id != first.post_id
    assert [post["post_id"] for post in sandbox.ledger()] == [published.post_id]


@ONLY_VK
async def test_an_answer_in_xml_is_taken_for_what_the_lookup_says(
    walk: Walk, sandbox: Sandbox
) -> None:
    sandbox.fail("vk", "upload", "retval")
    await walk.publish()
    assert walk.told[0] == "upload: OutcomeUnknown"
    assert len(sandbox.ledger()) == 1


@ONLY_VK
async def test_a_clip_for_a_community_appears_there(walk: Walk, sandbox: Sandbox) -> None:
    account = sandbox.account("vk", communities=[{"name": "Клипы"}])
    group = account["communities"][0]["id"]
    walk.account_id, walk.token = account["account"], SecretStr(account["access_token"])
    walk.options = {"group_id": group, "wallpost": True, "privacy": "all"}
    sandbox.fail("vk", "video.save", "drop_after")
    published = await walk.publish()
    assert published.post_id.startswith(f"-{group}_")
    assert [post["url"] for post in sandbox.ledger()] == [published.url]


@ONLY_DZEN
async def test_a_second_publish_that_dzen_calls_a_conflict_is_a_success(
    walk: Walk, sandbox: Sandbox
) -> None:
    sandbox.switch(dzen_publish_conflict=True)
    draft, upload, publish, processed = walk.adapter.publishing.steps()
    for step in (draft, upload, publish, publish):
        await walk.take(step)
    assert await walk.take(processed) is not None
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize("platform", [Platform.VK, Platform.DZEN], indirect=True)
async def test_what_is_not_visible_yet_can_be_undone_twice(walk: Walk, sandbox: Sandbox) -> None:
    first, *_ = walk.adapter.publishing.steps()
    await walk.take(first)
    assert first.undo is not None
    await walk.patiently(first.undo)
    await walk.patiently(first.undo)
    upload = walk.adapter.publishing.steps()[1]
    if walk.adapter.platform is Platform.DZEN:
        with pytest.raises(ContentRefused):
            await upload.act(walk.job())
    assert sandbox.ledger() == []


async def test_steps_that_people_can_see_are_marked(walk: Walk) -> None:
    visible = {step.name for step in walk.adapter.publishing.steps() if step.visible}
    assert (
        visible
        == {
            Platform.VK: {"upload"},
            Platform.RUTUBE: {"create"},
            Platform.DZEN: {"publish"},
            Platform.TELEGRAM: {"send"},
        }[walk.adapter.platform]
    )


async def test_what_a_step_keeps_survives_a_row(walk: Walk) -> None:
    model = walk.adapter.publishing.cursor
    await walk.take(walk.adapter.publishing.steps()[0])
    assert model.model_validate_json(walk.cursor.model_dump_json()) == walk.cursor
