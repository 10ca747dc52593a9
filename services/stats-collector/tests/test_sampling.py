"""Sampling, turn by turn, against the real sandbox and a real database."""

from datetime import timedelta

import pytest

from common.contracts.words import Platform
from support.stats_lab import Lab, connected

pytestmark = pytest.mark.anyio
WATCHED = (Platform.VK, Platform.RUTUBE, Platform.DZEN)


async def an_hour_later(lab: Lab) -> None:
    lab.sandbox.control.post("/_clock", json={"advance_seconds": 3600}).raise_for_status()


async def test_vk_tells_all_four_counters(lab: Lab, clip: bytes) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, await lab.post(account, clip))
    await an_hour_later(lab)
    assert await lab.collect(Platform.VK)
    sample = await lab.one("SELECT * FROM samples")
    assert sample["source"] == "video.get"
    assert sample["views"] >= 3600
    assert sample["likes"] == sample["views"] // 10
    assert sample["shares"] == sample["views"] // 50
    assert sample["comments"] == sample["views"] // 25
    assert sample["views_growth"] == sample["views"]
    assert sample["gone"] is False


@pytest.mark.parametrize("platform", [Platform.RUTUBE, Platform.DZEN])
async def test_what_a_platform_does_not_tell_is_null_and_never_zero(
    lab: Lab, clip: bytes, platform: Platform
) -> None:
    account = lab.account(platform)
    await lab.watch(account, await lab.post(account, clip))
    await an_hour_later(lab)
    assert await lab.collect(platform)
    sample = await lab.one("SELECT * FROM samples")
    assert sample["views"] > 0
    untold = {Platform.RUTUBE: "shares", Platform.DZEN: "comments"}[platform]
    assert sample[untold] is None
    [told] = await lab.told()
    assert told["data"][untold] is None
    assert told["data"]["views"] == sample["views"]


async def test_each_sample_is_told_once_under_the_number_of_samples(lab: Lab, clip: bytes) -> None:
    account = lab.account(Platform.VK)
    publication = await lab.watch(account, await lab.post(account, clip))
    for _ in range(3):
        await an_hour_later(lab)
        assert await lab.collect(Platform.VK)
        assert not await lab.collect(Platform.VK), "not due again before the next round"
        await lab.next_round()
    told = await lab.told()
    assert [one["aggregateversion"] for one in told] == [1, 2, 3]
    assert {one["subject"] for one in told} == {str(publication)}
    samples = await lab.rows("SELECT views, views_growth FROM samples ORDER BY at")
    assert [one["data"]["views"] for one in told] == [one["views"] for one in samples]
    assert sum(one["views_growth"] for one in samples) == samples[-1]["views"]


async def test_a_sample_belongs_to_the_trace_of_its_publication(lab: Lab, clip: bytes) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, await lab.post(account, clip))
    await lab.collect(Platform.VK)
    watch = await lab.one("SELECT traceparent, correlation_id FROM watches")
    [told] = await lab.told()
    assert told["traceparent"].split("-")[1] == watch["traceparent"].split("-")[1]
    assert told["correlationid"] == watch["correlation_id"]


async def test_a_post_that_is_missing_is_gone_and_spoils_nothing_for_the_rest(
    lab: Lab, clip: bytes
) -> None:
    account = lab.account(Platform.VK)
    here = await lab.watch(account, await lab.post(account, clip))
    missing = await lab.watch(account, f"{account.id}_1")
    await an_hour_later(lab)
    before = lab.calls(Platform.VK, "video.get")
    assert await lab.collect(Platform.VK)
    assert lab.calls(Platform.VK, "video.get") == before + 1, "one call for both"
    samples = {row["publication_id"]: row for row in await lab.rows("SELECT * FROM samples")}
    assert samples[here]["views"] >= 3600
    assert samples[here]["gone"] is False
    assert samples[missing]["gone"] is True
    assert samples[missing]["views"] is None
    told = {one["subject"]: one["data"] for one in await lab.told()}
    assert told[str(missing)]["gone"] is True
    assert told[str(missing)]["reason"] == "gone"
    assert told[str(here)]["reason"] is None


async def test_telegram_is_never_asked_and_that_is_told_once(lab: Lab) -> None:
    account = lab.account(Platform.TELEGRAM)
    await lab.watch(account, "7")
    watch = await lab.one("SELECT * FROM watches")
    assert (watch["unavailable"], watch["next_at"]) == ("no_statistics", None)
    [told] = await lab.told()
    assert told["data"] == {
        "publication_id": str(watch["publication_id"]),
        "platform": "telegram",
        "views": None,
        "likes": None,
        "shares": None,
        "comments": None,
        "gone": False,
        "reason": "no_statistics",
        "sampled_at": None,
    }
    await lab.next_round()
    for platform in WATCHED:
        assert not await lab.collect(platform)
    assert [one for one in lab.sandbox.journal() if one["platform"] == "telegram"] == []
    assert lab.lender.asked == []


async def test_a_post_that_nobody_could_name_is_not_asked_for(lab: Lab) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, "")
    assert not await lab.collect(Platform.VK)
    [told] = await lab.told()
    assert told["data"]["reason"] == "post_unknown"


async def test_a_refused_token_is_replaced_once(lab: Lab, clip: bytes) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, await lab.post(account, clip))
    lab.lender.tokens[account.connection_id].insert(0, "stale")
    assert await lab.collect(Platform.VK)
    assert lab.lender.asked == [(account.connection_id, None), (account.connection_id, 1)]
    assert (await lab.one("SELECT gone FROM samples"))["gone"] is False


async def test_a_connection_without_a_working_token_is_paused_until_it_is_connected_again(
    lab: Lab, clip: bytes
) -> None:
    account = lab.account(Platform.VK)
    await lab.hear(connected(account), version=1)
    await lab.watch(account, await lab.post(account, clip))
    [token] = lab.lender.tokens.pop(account.connection_id)
    assert await lab.collect(Platform.VK)
    assert (await lab.one("SELECT paused FROM watches"))["paused"] == "connection_expired"
    assert not await lab.collect(Platform.VK)

    lab.lender.tokens[account.connection_id] = [token]
    await lab.hear(connected(account), version=2)
    assert await lab.collect(Platform.VK), "what came due meanwhile is looked at at once"
    assert len(await lab.told()) == 1


async def test_without_oauth_gateway_sampling_waits_and_nothing_counts_as_failed(
    lab: Lab, clip: bytes
) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, await lab.post(account, clip))
    lab.lender.down = True
    assert await lab.collect(Platform.VK)
    watch = await lab.one("SELECT failures, next_at - now() AS wait, lease FROM watches")
    assert (watch["failures"], watch["lease"]) == (0, None)
    assert timedelta() < watch["wait"] <= timedelta(minutes=1)


async def test_a_failure_is_tried_again_twice_and_then_in_the_next_round(
    lab: Lab, clip: bytes
) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, await lab.post(account, clip))
    lab.sandbox.fail("vk", "video.get", "error_500", times=3)
    waits = []
    for _ in range(3):
        assert await lab.collect(Platform.VK)
        waits.append((await lab.one("SELECT next_at - now() AS wait FROM watches"))["wait"])
        await lab.rows("UPDATE watches SET next_at = now()")
    assert [round(wait / timedelta(minutes=1)) for wait in waits] == [1, 5, 114]
    assert await lab.rows("SELECT * FROM samples") == []
    assert await lab.collect(Platform.VK)
    assert (await lab.one("SELECT failures, told FROM watches")) == {"failures": 0, "told": 1}


async def test_being_told_to_wait_is_no_failure(lab: Lab, clip: bytes) -> None:
    account = lab.account(Platform.VK)
    await lab.watch(account, await lab.post(account, clip))
    lab.sandbox.fail("vk", "video.get", "rate_limited")
    assert await lab.collect(Platform.VK)
    watch = await lab.one("SELECT failures, told, next_at > now() AS later FROM watches")
    assert watch == {"failures": 0, "told": 0, "later": True}
