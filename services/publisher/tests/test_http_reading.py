"""Lists, pages, the timeline and what one publication tells."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.contracts.stats import StatsCollected
from common.contracts.words import Platform
from platforms.errors import RateLimited, Unavailable
from platforms.port import Guard

from .person import PATH, Person
from .scripted import Gate, Scripted

pytestmark = pytest.mark.anyio


async def _list(me: Person, **query: Any) -> list[str]:
    """The clips, in the order shown, over all pages."""
    found: list[str] = []
    while True:
        answer = await me.api.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert set(page) == {"items", "next_cursor"}
        found += [one["clip_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def test_the_newest_come_first_and_pages_join_without_gap_or_twin(me: Person) -> None:
    account = await me.connect()
    clips = [f"clip-{number}" for number in range(7)]
    for clip in clips:
        await me.one(targets=[{"connection_id": str(account.id)}], clip_id=clip)
    newest = clips[::-1]
    for limit in (1, 3, 7, 50):
        assert await _list(me, limit=limit) == newest
    first = (await me.api.get(PATH, params={"limit": 3})).json()
    await me.one(targets=[{"connection_id": str(account.id)}], clip_id="late")
    rest = (await me.api.get(PATH, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [one["clip_id"] for one in rest["items"]] == newest[3:6]
    last = (await me.api.get(PATH, params={"limit": 7})).json()
    assert last["next_cursor"] is not None


async def test_nothing_is_an_empty_list(me: Person) -> None:
    assert (await me.api.get(PATH)).json() == {"items": [], "next_cursor": None}


async def test_a_list_shows_only_what_is_asked_for(me: Person, stranger: Person) -> None:
    vk, other = await me.connect("vk"), await me.connect("vk")
    telegram = await me.connect("telegram")
    for account, clip in ((vk, "a"), (other, "b"), (telegram, "c")):
        await me.one(targets=[{"connection_id": str(account.id)}], clip_id=clip)
    await me.scheduled(targets=[{"connection_id": str(vk.id)}], clip_id="d")
    await stranger.one(clip_id="a")
    assert await _list(me) == ["d", "c", "b", "a"]
    for query, clips in (
        ({"status": "scheduled"}, ["d"]),
        ({"status": "publishing"}, ["c", "b", "a"]),
        ({"platform": "telegram"}, ["c"]),
        ({"connection_id": str(vk.id)}, ["d", "a"]),
        ({"clip_id": "b"}, ["b"]),
        ({"platform": "vk", "status": "publishing"}, ["b", "a"]),
        ({"platform": "vk", "limit": 1}, ["d", "b", "a"]),
        ({"clip_id": "nothing"}, []),
        ({"connection_id": str(telegram.id), "platform": "vk"}, []),
    ):
        assert await _list(me, **query) == clips, query


async def test_a_list_can_be_cut_by_time(me: Person) -> None:
    first = await me.one(clip_id="a")
    second = await me.one(clip_id="b")
    assert await _list(me, **{"from": second["created_at"]}) == ["b"]
    assert await _list(me, to=second["created_at"]) == ["a"]
    assert await _list(me, **{"from": first["created_at"], "to": second["created_at"]}) == ["a"]
    local = datetime.fromisoformat(second["created_at"]) + timedelta(hours=3)
    shifted = local.replace(tzinfo=None).isoformat() + "+03:00"
    assert await _list(me, **{"from": shifted}) == ["b"]


async def test_a_publication_tells_how_it_is_going(me: Person, platform: Scripted) -> None:
    platform.step("send", Guard.CHECKED, visible=True)
    found = await me.one()
    row = await me.row(found)
    uploading = Gate()

    async def upload(job: Any) -> None:
        await job.progress(len(me.clip) // 2)
        await uploading(job)

    platform.order("act:send", RateLimited(timedelta(minutes=2)), Unavailable(), upload)
    await me.lab.attempt(row)
    told = await me.get(found)
    assert told["stage"]["name"] == "waiting"
    assert told["stage"]["why"] == "rate_limited"
    assert told["next_attempt_at"] == told["stage"]["until"]
    left = datetime.fromisoformat(told["next_attempt_at"]) - datetime.now(UTC)
    assert timedelta(minutes=1) < left < timedelta(minutes=3)

    await me.lab.attempt(await me.lab.later(row))
    told = await me.get(found)
    assert (told["stage"]["why"], told["attempt"]) == ("retry", 1)

    work = asyncio.create_task(me.lab.attempt(await me.lab.later(row)))
    async with asyncio.timeout(10):
        await uploading.reached.wait()
    told = await me.get(found)
    assert (told["stage"]["name"], told["stage"]["percent"]) == ("uploading", 49)
    assert (told["attempt"], told["next_attempt_at"]) == (2, None)
    uploading.go.set()
    await work

    told = await me.get(found)
    assert (told["status"], told["stage"], told["post_id"]) == ("published", None, "post-1")
    assert told["url"].startswith("https://")
    assert told["published_at"]


async def test_the_timeline_tells_everything_in_order_and_by_page(
    me: Person, platform: Scripted
) -> None:
    platform.step("send", Guard.CHECKED, visible=True)
    platform.order("act:send", Unavailable())
    trace = f"00-{'ab' * 16}-{'cd' * 8}-01"
    answer = await me.api.post(PATH, json=await me.body(), headers={"traceparent": trace})
    [found] = answer.json()["publications"]
    await me.lab.to_the_end(await me.row(found))
    path = f"{PATH}/{found['id']}/timeline"
    whole = (await me.api.get(path)).json()
    assert [one["kind"] for one in whole["items"]] == [
        "requested",
        *("claimed", "step_started", "retry"),
        *("claimed", "step_started", "published"),
    ]
    assert set(whole["items"][0]) == {
        *("at", "kind", "status", "step", "attempt", "detail", "trace_id"),
    }
    assert [one["attempt"] for one in whole["items"]] == [0, 1, 1, 1, 2, 2, 2]
    assert {one["trace_id"] for one in whole["items"]} == {"ab" * 16}
    assert [one["status"] for one in whole["items"]] == ["publishing"] * 6 + ["published"]
    times = [one["at"] for one in whole["items"]]
    assert times == sorted(times)
    paged: list[Any] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await me.api.get(path, params=query)).json()
        paged += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert paged == whole["items"]


async def test_the_latest_counters_appear_and_a_number_nobody_told_is_null(me: Person) -> None:
    found = await me.one()
    at = datetime.now(UTC).replace(microsecond=0)
    await me.lab.hear(
        StatsCollected(
            publication_id=(await me.row(found)).id,
            platform=Platform.VK,
            views=12,
            likes=0,
            shares=None,
            comments=1,
            gone=False,
            reason=None,
            sampled_at=at,
        )
    )
    told = await me.get(found)
    assert told["stats"] == {
        "views": 12,
        "likes": 0,
        "shares": None,
        "comments": 1,
        "synced_at": at.isoformat().replace("+00:00", "Z"),
        "reason": None,
    }


async def test_the_entity_tag_is_the_version(me: Person) -> None:
    found = await me.scheduled()
    answer = await me.api.get(f"{PATH}/{found['id']}")
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"
