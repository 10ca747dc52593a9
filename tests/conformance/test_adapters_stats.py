"""Counters as the platforms tell them: null where they tell none, gone when the post is gone."""

from typing import Any

import pytest

from common.contracts.words import Platform
from conformance.adapter_kit import Walk
from conformance.sandbox_process import Sandbox
from platforms.errors import ContentRefused, TokenExpired, Unavailable
from platforms.port import Numbers, Stats

pytestmark = pytest.mark.anyio

COUNTED = [Platform.VK, Platform.RUTUBE, Platform.DZEN]
UNTOLD = {
    Platform.VK: set(),
    Platform.RUTUBE: {"shares"},
    Platform.DZEN: {"comments"},
}
CALLS = {Platform.VK: "video.get", Platform.RUTUBE: "status", Platform.DZEN: "stats"}


def stats_of(walk: Walk) -> Stats:
    assert walk.adapter.stats is not None
    return walk.adapter.stats


async def read(walk: Walk, *post_ids: str) -> dict[str, Numbers]:
    stats = stats_of(walk)
    return dict(await walk.patiently(lambda job: stats.read(job.token, job.account_id, post_ids)))


def befall(walk: Walk, sandbox: Sandbox, post_id: str, do: str, **more: Any) -> None:
    order = {"platform": walk.adapter.platform, "post_id": post_id, "do": do, **more}
    sandbox.control.post("/_posts", json=order).raise_for_status()


def pass_time(sandbox: Sandbox, seconds: float) -> None:
    sandbox.control.post("/_clock", json={"advance_seconds": seconds}).raise_for_status()


@pytest.mark.parametrize("platform", COUNTED, indirect=True)
async def test_counters_grow_and_what_is_not_told_is_null(walk: Walk, sandbox: Sandbox) -> None:
    post_id = (await walk.publish()).post_id
    first = (await read(walk, post_id))[post_id]
    pass_time(sandbox, 3600)
    later = (await read(walk, post_id))[post_id]
    assert first.views is not None
    assert later.views is not None
    assert later.views > first.views
    untold = {name for name in ("views", "likes", "shares", "comments")
              if getattr(later, name) is None}  # fmt: skip
    assert untold == UNTOLD[walk.adapter.platform]
    assert not later.gone


@pytest.mark.parametrize("platform", COUNTED, indirect=True)
async def test_a_post_that_is_not_there_is_gone(walk: Walk) -> None:
    missing = {Platform.VK: f"{walk.account_id}_1"}.get(walk.adapter.platform, "0" * 32)
    assert await read(walk, missing) == {missing: Numbers(gone=True)}


@pytest.mark.parametrize("platform", COUNTED, indirect=True)
async def test_a_post_that_is_processed_again_is_neither_gone_nor_at_zero(
    walk: Walk, sandbox: Sandbox
) -> None:
    post_id = (await walk.publish()).post_id
    pass_time(sandbox, 3600)
    before = (await read(walk, post_id))[post_id]
    befall(walk, sandbox, post_id, "process", seconds=3600)
    assert await read(walk, post_id) == {post_id: Numbers(processing=True)}
    pass_time(sandbox, 3601)
    after = (await read(walk, post_id))[post_id]
    assert before.views is not None
    assert after.views is not None
    assert after.views > before.views
    assert not after.processing


@pytest.mark.parametrize("platform", COUNTED, indirect=True)
async def test_counters_may_fall(walk: Walk, sandbox: Sandbox) -> None:
    post_id = (await walk.publish()).post_id
    pass_time(sandbox, 36_000)
    before = (await read(walk, post_id))[post_id]
    befall(walk, sandbox, post_id, "purge", views=10**9)
    after = (await read(walk, post_id))[post_id]
    for name in {"views", "likes", "shares", "comments"} - UNTOLD[walk.adapter.platform]:
        assert getattr(after, name) < getattr(before, name), name
    assert not after.gone
    assert not after.processing


@pytest.mark.parametrize("platform", COUNTED, indirect=True)
@pytest.mark.parametrize("do", ["delete", "block"])
async def test_a_post_that_its_platform_took_down_is_gone_until_it_is_restored(
    walk: Walk, sandbox: Sandbox, do: str
) -> None:
    post_id = (await walk.publish()).post_id
    befall(walk, sandbox, post_id, do)
    assert (await read(walk, post_id))[post_id].gone
    befall(walk, sandbox, post_id, "restore")
    pass_time(sandbox, 60)
    back = (await read(walk, post_id))[post_id]
    assert back.views is not None
    assert not back.gone


@pytest.mark.parametrize("platform", [Platform.VK, Platform.RUTUBE], indirect=True)
async def test_a_hidden_post_is_private_and_goes_on_counting(walk: Walk, sandbox: Sandbox) -> None:
    post_id = (await walk.publish()).post_id
    pass_time(sandbox, 3600)
    before = (await read(walk, post_id))[post_id]
    befall(walk, sandbox, post_id, "hide")
    pass_time(sandbox, 3600)
    hidden = (await read(walk, post_id))[post_id]
    befall(walk, sandbox, post_id, "restore")
    after = (await read(walk, post_id))[post_id]
    assert [told.private for told in (before, hidden, after)] == [False, True, False]
    assert not any(told.gone or told.processing for told in (before, hidden, after))
    for name in {"views", "likes", "shares", "comments"} - UNTOLD[walk.adapter.platform]:
        assert getattr(hidden, name) > getattr(before, name), name


@pytest.mark.parametrize("platform", [Platform.VK, Platform.RUTUBE], indirect=True)
async def test_a_hidden_post_may_be_processed_or_taken_down_as_well(
    walk: Walk, sandbox: Sandbox
) -> None:
    post_id = (await walk.publish()).post_id
    befall(walk, sandbox, post_id, "hide")
    befall(walk, sandbox, post_id, "process", seconds=3600)
    assert await read(walk, post_id) == {post_id: Numbers(processing=True, private=True)}
    befall(walk, sandbox, post_id, "block")
    blocked = (await read(walk, post_id))[post_id]
    assert (blocked.gone, blocked.private) == (True, False)


@pytest.mark.parametrize("platform", [Platform.DZEN], indirect=True)
async def test_a_post_hidden_in_dzen_is_gone_until_it_is_restored(
    walk: Walk, sandbox: Sandbox
) -> None:
    post_id = (await walk.publish()).post_id
    befall(walk, sandbox, post_id, "hide")
    assert await read(walk, post_id) == {post_id: Numbers(gone=True)}
    befall(walk, sandbox, post_id, "restore")
    back = (await read(walk, post_id))[post_id]
    assert back.views is not None
    assert not back.gone


@pytest.mark.parametrize("platform", COUNTED, indirect=True)
@pytest.mark.parametrize(
    ("kind", "error"), [("error_500", Unavailable), ("token_refused", TokenExpired)]
)
async def test_a_failed_reading_is_no_number(
    walk: Walk, sandbox: Sandbox, kind: str, error: type[Exception]
) -> None:
    sandbox.fail(walk.adapter.platform, CALLS[walk.adapter.platform], kind)
    with pytest.raises(error):
        await read(walk, "1_1")


@pytest.mark.parametrize("platform", [Platform.VK], indirect=True)
async def test_vk_tells_two_hundred_videos_in_one_call(walk: Walk, sandbox: Sandbox) -> None:
    post_id = (await walk.publish()).post_id
    missing = [f"{walk.account_id}_{number}" for number in range(199)]
    numbers = await read(walk, post_id, *missing)
    asked = dict(sandbox.journal()[-1]["form"])["videos"]
    assert asked.split(",") == [post_id, *missing]
    assert stats_of(walk).batch == len(numbers) == 200
    assert [name for name, told in numbers.items() if not told.gone] == [post_id]


@pytest.mark.parametrize("platform", [Platform.VK], indirect=True)
async def test_an_id_that_is_none_of_vk_spoils_no_others_numbers(walk: Walk) -> None:
    post_id = (await walk.publish()).post_id
    strange = ["", "clip", "1_2_3", "1", "1_2,3_4", "\u0661_\u0662", f"{post_id}\n"]
    numbers = await read(walk, *strange, post_id)
    assert numbers[post_id].views is not None
    assert [numbers[one] for one in strange] == [Numbers()] * len(strange)
    assert await read(walk, *strange) == dict.fromkeys(strange, Numbers())


@pytest.mark.parametrize("platform", [Platform.VK], indirect=True)
async def test_an_id_too_large_for_vk_spoils_the_numbers_of_all(walk: Walk) -> None:
    post_id = (await walk.publish()).post_id
    with pytest.raises(ContentRefused):
        await read(walk, post_id, f"1_{2**63}")


@pytest.mark.parametrize("platform", [Platform.VK], indirect=True)
async def test_a_video_that_vk_has_not_encoded_yet_is_processing(
    walk: Walk, sandbox: Sandbox
) -> None:
    sandbox.fail("vk", "upload", "processing_forever")
    for step in walk.adapter.publishing.steps()[:2]:
        await walk.take(step)
    post_id = walk.cursor.post_id
    assert await read(walk, post_id) == {post_id: Numbers(processing=True)}


@pytest.mark.parametrize("platform", [Platform.RUTUBE], indirect=True)
@pytest.mark.parametrize("do", ["process", "block", "delete"])
async def test_rutube_is_not_asked_for_votes_of_what_it_does_not_show(
    walk: Walk, sandbox: Sandbox, do: str
) -> None:
    post_id = (await walk.publish()).post_id
    befall(walk, sandbox, post_id, do, **({"seconds": 3600} if do == "process" else {}))
    before = len(sandbox.journal())
    await read(walk, post_id)
    assert [entry["step"] for entry in sandbox.journal()[before:]] == ["status"]


@pytest.mark.parametrize("platform", [Platform.DZEN], indirect=True)
async def test_a_dzen_that_tells_no_status_tells_no_numbers(walk: Walk, sandbox: Sandbox) -> None:
    post_id = (await walk.publish()).post_id
    sandbox.fail("dzen", "stats", "not_found")
    sandbox.fail("dzen", "status", "empty_json")
    with pytest.raises(Unavailable):
        await read(walk, post_id)


@pytest.mark.parametrize("platform", [Platform.DZEN], indirect=True)
async def test_numbers_that_dzen_does_not_have_yet_are_no_deleted_post(
    walk: Walk, sandbox: Sandbox
) -> None:
    post_id = (await walk.publish()).post_id
    sandbox.fail("dzen", "stats", "not_found")
    assert await read(walk, post_id) == {post_id: Numbers()}


@pytest.mark.parametrize("platform", [Platform.DZEN], indirect=True)
async def test_a_video_that_dzen_blocked_is_gone(walk: Walk, sandbox: Sandbox) -> None:
    sandbox.fail("dzen", "publish", "rejected")
    with pytest.raises(ContentRefused):
        await walk.publish()
    post_id = walk.cursor.video_id
    assert await read(walk, post_id) == {post_id: Numbers(gone=True)}


@pytest.mark.parametrize("platform", [Platform.TELEGRAM], indirect=True)
async def test_telegram_has_no_statistics(walk: Walk) -> None:
    assert walk.adapter.stats is None
