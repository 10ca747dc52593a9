"""Accepting one clip for several targets: all or nothing, and every reason against it is told."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from common.contracts.accounts import PlanChanged
from common.contracts.words import Platform
from common.ids import new_id
from support.serving import serving

from .person import PATH, Person, ahead, code_of, flaws_of, person
from .test_reactions import connected, disconnected, expired

pytestmark = pytest.mark.anyio
FIELDS = {
    *("id", "clip_id", "connection_id", "platform", "experimental", "title", "description"),
    *("options", "status", "stage", "schedule_at", "created_at", "updated_at", "published_at"),
    *("post_id", "url", "attempt", "next_attempt_at", "hold", "hold_detail"),
    *("error", "stats", "version"),
}


async def test_an_accepted_request_is_one_queued_publication_and_one_wake_up_call(
    me: Person,
) -> None:
    found = await me.one()
    assert set(found) == FIELDS
    assert (found["status"], found["version"], found["attempt"]) == ("publishing", 1, 0)
    assert found["stage"] == {"name": "queued", "percent": None, "until": None, "why": None}
    assert (found["error"], found["stats"], found["hold"], found["schedule_at"]) == (None,) * 4
    row = await me.row(found)
    [call] = await me.lab.told(row)
    assert call["type"] == "PublicationRequested.v1"
    assert row.media["bytes"] == len(me.clip)
    assert await me.get(found) == found


async def test_the_answer_is_in_the_order_of_the_targets_with_their_own_texts(
    me: Person,
) -> None:
    accounts = {name: await me.connect(name) for name in ("telegram", "vk", "dzen")}
    found = await me.publish(
        {"platform": "dzen"},
        {"connection_id": str(accounts["telegram"].id), "title": "Hello", "description": ""},
        {"platform": "vk", "options": {"wallpost": True, "privacy": "friends"}},
    )
    assert [one["platform"] for one in found] == ["dzen", "telegram", "vk"]
    assert [one["connection_id"] for one in found] == [
        str(accounts[name].id) for name in ("dzen", "telegram", "vk")
    ]
    assert [one["title"] for one in found] == ["A clip", "Hello", "A clip"]
    assert [one["description"] for one in found] == ["About it", "", "About it"]
    assert [one["experimental"] for one in found] == [True, False, False]
    assert found[2]["options"] == {"wallpost": True, "privacy": "friends"}
    assert len({one["clip_id"] for one in found}) == 1


async def test_a_scheduled_one_waits_and_nobody_is_called(me: Person) -> None:
    at = (datetime.now(UTC) + timedelta(hours=3)).replace(microsecond=0)
    local = at.astimezone(tz=None).isoformat()
    found = await me.one(schedule_at=local)
    assert (found["status"], found["stage"]) == ("scheduled", None)
    assert datetime.fromisoformat(found["schedule_at"]) == at
    assert found["schedule_at"].endswith("Z")
    assert await me.lab.told(await me.row(found)) == []


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ({"minutes": 4, "seconds": 50}, "schedule_too_soon"),
        ({"minutes": -1}, "schedule_too_soon"),
        ({"days": 366}, "schedule_too_far"),
    ],
)
async def test_a_time_too_near_or_too_far_is_refused(
    me: Person, at: dict[str, float], code: str
) -> None:
    answer = await me.ask(schedule_at=ahead(**at))
    assert code_of(answer) == (422, code)
    assert flaws_of(answer) == [(None, "schedule_at", code)]


@pytest.mark.parametrize("at", [{"minutes": 5, "seconds": 20}, {"days": 364}])
async def test_a_time_within_the_horizon_is_accepted(me: Person, at: dict[str, float]) -> None:
    assert (await me.ask(schedule_at=ahead(**at))).status_code == 202


async def test_a_time_without_an_offset_is_refused(me: Person) -> None:
    naive = (datetime.now(UTC) + timedelta(days=1)).replace(tzinfo=None).isoformat()
    answer = await me.ask(schedule_at=naive)
    assert code_of(answer) == (422, "invalid_request")
    assert [field for _, field, _ in flaws_of(answer)] == ["schedule_at"]


async def test_one_bad_target_refuses_all_and_each_problem_is_listed(me: Person) -> None:
    good, worn = await me.connect("vk"), await me.connect("rutube")
    await me.lab.hear(expired(worn.id, me.user), 2)
    for _ in range(2):
        await me.connect("telegram")
    before = await me.count()
    answer = await me.ask(
        good,
        {"connection_id": str(worn.id), "title": "x" * 101, "options": {"hidden": 1, "z": 2}},
        {"platform": "telegram"},
        schedule_at=ahead(seconds=1),
    )
    assert answer.status_code == 422
    assert set(flaws_of(answer)) == {
        (1, "title", "text_too_long"),
        (1, "options.hidden", "invalid_request"),
        (1, "options.z", "invalid_request"),
        (1, "connection_id", "connection_expired"),
        (2, "platform", "connection_ambiguous"),
        (None, "schedule_at", "schedule_too_soon"),
    }
    assert all(one["detail"] for one in answer.json()["errors"])
    assert await me.count() == before


async def test_validate_tells_the_same_of_each_target_and_writes_nothing(me: Person) -> None:
    good, worn = await me.connect("vk"), await me.connect("rutube")
    await me.lab.hear(expired(worn.id, me.user), 2)
    body = await me.body(good, worn, schedule_at=ahead(seconds=1))
    answer = await me.api.post(f"{PATH}/validate", json=body, headers={"Accept-Language": "en"})
    found = answer.json()
    assert (answer.status_code, found["ok"]) == (200, False)
    assert [one["index"] for one in found["targets"]] == [0, 1]
    codes = [[problem["code"] for problem in one["problems"]] for one in found["targets"]]
    assert codes == [["schedule_too_soon"], ["connection_expired", "schedule_too_soon"]]
    assert "expired" in found["targets"][1]["problems"][0]["detail"]
    fine = await me.api.post(f"{PATH}/validate", json=await me.body(good))
    assert fine.json() == {"ok": True, "targets": [{"index": 0, "problems": []}]}
    assert await me.count() == 0


PLANS = {
    "free": set(),
    "start": {"vk"},
    "pro": {"vk", "rutube", "dzen", "telegram"},
    "business": {"vk", "rutube", "dzen", "telegram"},
    "platinum": set(),
    None: set(),
}


@pytest.mark.parametrize("plan", PLANS)
async def test_a_plan_opens_its_platforms_and_no_other(me: Person, plan: str | None) -> None:
    for platform in Platform:
        body = await me.body(await me.connect(platform))
        answer = await me.api.post(PATH, json=body, headers=me.with_plan(plan))
        if platform in PLANS[plan]:
            assert answer.status_code == 202
        else:
            assert code_of(answer) == (403, "plan_required")
            assert (0, "platform", "plan_required") in flaws_of(answer)


@pytest.mark.parametrize(
    ("token", "event", "age", "allowed"),
    [
        ("pro", "free", 60, True),
        ("pro", "free", -60, False),
        ("free", "pro", -60, True),
        ("free", "pro", 60, False),
    ],
)
async def test_the_newer_of_token_and_plan_change_counts(
    me: Person, token: str, event: str, age: int, allowed: bool
) -> None:
    issued = datetime.now(UTC)
    await me.lab.hear(
        PlanChanged(user_id=me.user, plan=event, changed_at=issued - timedelta(seconds=age))
    )
    headers = me.with_plan(token, iat=int(issued.timestamp()))
    answer = await me.api.post(PATH, json=await me.body(), headers=headers)
    assert answer.status_code == (202 if allowed else 403)


async def test_without_a_plan_nothing_is_fetched_or_waited_for(me: Person) -> None:
    body = {
        "clip_id": "c",
        "media": {"url": "https://127.0.0.1:1/clip.mp4"},
        "title": "",
        "targets": [{"connection_id": str(new_id())}],
    }
    async with asyncio.timeout(1.5):
        answer = await me.api.post(PATH, json=body, headers=me.with_plan("free"))
    assert code_of(answer) == (403, "plan_required")


async def test_an_account_that_was_connected_a_moment_ago_is_waited_for(me: Person) -> None:
    connection_id = new_id()
    body = await me.body({"connection_id": str(connection_id)})
    asked = asyncio.create_task(me.api.post(PATH, json=body))
    await asyncio.wait([asked], timeout=0.7)
    assert not asked.done()
    await me.lab.hear(connected(connection_id, me.user))
    assert (await asked).status_code == 202


@pytest.mark.parametrize("named", ["connection_id", "platform"])
async def test_an_account_that_was_connected_again_a_moment_ago_is_waited_for(
    me: Person, named: str
) -> None:
    worn = await me.connect("rutube")
    await me.lab.hear(expired(worn.id, me.user), 2)
    target = {"connection_id": str(worn.id), "platform": "rutube"}[named]
    asked = asyncio.create_task(me.ask({named: target}))
    await asyncio.wait([asked], timeout=0.7)
    assert not asked.done()
    await me.lab.hear(connected(worn.id, me.user), 3)
    assert (await asked).status_code == 202


async def test_what_is_not_mine_not_there_or_removed_is_not_found(
    me: Person, stranger: Person
) -> None:
    theirs, gone = await stranger.connect(), await me.connect()
    await me.lab.hear(disconnected(gone.id, me.user), 2)
    key = await me.key()
    bodies = [
        await me.body({"connection_id": str(one)}, media={"key": key}, clip_id="c")
        for one in (theirs.id, gone.id, new_id())
    ]
    nowhere = await me.body({"platform": "rutube"})
    answers = await asyncio.gather(*(me.api.post(PATH, json=one) for one in (*bodies, nowhere)))
    for answer in answers[:3]:
        assert code_of(answer) == (404, "not_found")
        assert flaws_of(answer) == [(0, "connection_id", "not_found")]
        assert answer.json() == answers[0].json()
    assert code_of(answers[3]) == (422, "not_connected")


async def test_the_file_of_another_is_as_missing_as_one_that_never_was(
    me: Person, stranger: Person
) -> None:
    theirs = await stranger.key()
    mine = await me.key()
    for key in (theirs, mine[:-1] + "x", "../etc/passwd", "u//x"):
        body = await me.body(media={"key": key})
        answer = await me.api.post(PATH, json=body)
        assert code_of(answer) == (404, "media_not_found")


async def test_an_address_on_a_host_that_is_not_allowed_is_refused(me: Person) -> None:
    answer = await me.ask(media={"url": "https://example.org/clip.mp4"})
    assert code_of(answer)[0] in {404, 422}
    assert await me.count() == 0


async def test_a_file_that_is_too_large_for_one_platform_refuses_that_target(
    new_app: Callable[..., FastAPI], me: Person
) -> None:
    vk, telegram = await me.connect("vk"), await me.connect("telegram")
    body = await me.body(vk, telegram)
    for limit, flaws in ((len(me.clip), []), (len(me.clip) - 1, [(1, "media")])):
        async with (
            serving(new_app(file_limit_telegram=limit)) as url,
            person(url, me.user, me.lab, me.clip) as again,
        ):
            answer = await again.api.post(PATH, json=body | {"clip_id": f"c-{limit}"})
            assert answer.status_code == (422 if flaws else 202)
            assert flaws_of(answer) == [(*flaw, "media_too_large") for flaw in flaws]


async def test_the_same_account_named_twice_is_a_duplicate(me: Person) -> None:
    account = await me.connect()
    answer = await me.ask(account, {"platform": "vk"})
    assert code_of(answer) == (409, "duplicate_publication")
    assert [target for target, _, _ in flaws_of(answer)] == [0, 1]


async def test_twenty_targets_are_as_many_as_one_request_may_have(me: Person) -> None:
    accounts = [await me.connect() for _ in range(20)]
    found = await me.publish(*accounts)
    assert [one["connection_id"] for one in found] == [str(one.id) for one in accounts]
