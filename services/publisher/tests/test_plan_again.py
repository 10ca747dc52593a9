"""A plan that shrinks between the request and the post: nothing goes where it does not reach."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus.subscription import Heard
from common.contracts.accounts import PlanChanged
from common.contracts.publisher import PublicationRequested
from common.contracts.words import Platform
from common.ids import new_id
from platforms.port import Guard
from publisher.app.edit_publication import edit_publication
from publisher.app.start_due import hold_due, start_due
from publisher.app.work import Worker
from publisher.domain.publication import Publication
from publisher.domain.states import Status
from publisher.media.opening import Opening

from .lab import Lab
from .person import PATH, Person, ahead, code_of
from .scripted import Scripted
from .test_reactions import connected, expired

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
PLAN_ONLY = """
INSERT INTO plans (user_id, plan, changed_at) VALUES (:user, 'free', now() + interval '1 hour')
"""


@pytest.fixture
def lab(empty_db: AsyncEngine, opening: Opening, platform: Scripted) -> Lab:
    """A worker takes whatever is due, so there is nothing else."""
    platform.step("draft", Guard.REPEATABLE, undo=True).step("send", Guard.CHECKED, visible=True)
    return Lab(empty_db, opening, platform.adapter())


async def work_off(lab: Lab) -> None:
    """One call: a worker goes on by itself while anything is due."""
    worker = Worker(lab.engine(), slots=2)
    call = PublicationRequested(
        publication_id=new_id(), user_id="x", connection_id=new_id(), platform=Platform.VK
    )
    await worker(Heard(call, 1, new_id()))
    await worker.drain(30)


async def downgrade(me: Person, plan: str = "free", when: timedelta = HOUR) -> None:
    """PlanChanged, later than every token unless said otherwise."""
    changed_at = datetime.now(UTC) + when
    await me.lab.hear(PlanChanged(user_id=me.user, plan=plan, changed_at=changed_at))


async def statuses(me: Person) -> list[str]:
    items = (await me.api.get(PATH, params={"limit": 200})).json()["items"]
    return [one["status"] for one in items]


async def test_a3_of_fifty_requests_around_a_downgrade_nothing_goes_out(
    me: Person, platform: Scripted
) -> None:
    account = await me.connect()
    bodies = [await me.body(account) for _ in range(50)]
    asked = [asyncio.create_task(me.api.post(PATH, json=body)) for body in bodies]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    await downgrade(me)
    answers = await asyncio.gather(*asked)
    accepted = [answer for answer in answers if answer.status_code == 202]
    refused = [code_of(answer) for answer in answers if answer.status_code != 202]
    assert accepted
    assert set(refused) <= {(403, "plan_required")}
    await work_off(me.lab)
    assert await statuses(me) == ["cancelled"] * len(accepted)
    assert platform.asked == []


async def test_a3_of_retries_around_a_downgrade_nothing_goes_out(
    me: Person, platform: Scripted
) -> None:
    found = [await me.one() for _ in range(12)]
    await me.lab.rows("UPDATE publications SET status = 'failed', due_at = NULL")

    async def again(one: dict[str, object]) -> httpx.Response:
        return await me.api.post(f"{PATH}/{one['id']}/retry")

    asked = [asyncio.create_task(again(one)) for one in found]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    await downgrade(me)
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} <= {202, 403}
    assert code_of(await again(found[0])) == (403, "plan_required")
    await work_off(me.lab)
    assert set(await statuses(me)) <= {"cancelled", "failed"}
    assert platform.asked == []


@pytest.mark.parametrize("told", ["event", "token"])
async def test_a3_a_rescheduling_after_a_downgrade_is_refused(me: Person, told: str) -> None:
    found = await me.scheduled()
    if told == "event":
        await me.lab.rows(PLAN_ONLY, user=me.user)
    headers = {} if told == "event" else me.with_plan("free")
    path = f"{PATH}/{found['id']}"
    answer = await me.api.patch(path, json={"schedule_at": ahead(hours=2)}, headers=headers)
    assert code_of(answer) == (403, "plan_required")
    assert (await me.get(found))["schedule_at"] == found["schedule_at"]


async def test_a3_an_edit_under_an_older_word_keeps_the_newer_one(lab: Lab) -> None:
    row = await lab.request(at=datetime.now(UTC) + HOUR)
    for plan_at, kept in ((-HOUR, None), (HOUR, HOUR), (HOUR / 2, HOUR)):
        async with lab.transaction() as uow:
            edited = await edit_publication(
                uow, row, {"title": "New"}, plan_at=row.created_at + plan_at
            )
        assert edited is not None
        assert edited.plan_at == (None if kept is None else row.created_at + kept)
        row = edited


async def test_a3_a_reconnect_after_a_downgrade_sends_nothing_that_was_held(
    me: Person, platform: Scripted
) -> None:
    """As if the event had cancelled nothing: the claim asks again."""
    account = await me.connect()
    held = await me.lab.scheduled(connection=account)
    await me.lab.hear(expired(account.id, me.user), 2)
    async with me.lab.transaction() as uow:
        await hold_due(uow, hold_max=HOUR)
    await me.lab.rows(PLAN_ONLY, user=me.user)
    await me.lab.hear(connected(account.id, me.user), 3)
    async with me.lab.transaction() as uow:
        assert await start_due(uow) == 1
    await work_off(me.lab)
    assert (await me.lab.read(held)).status is Status.CANCELLED
    assert [line["detail"] for line in await me.lab.lines(held)][-1] == "plan"
    assert platform.asked == []


async def in_flight(lab: Lab, platform: Scripted, me: Person, step: str) -> Publication:
    """One whose worker died in the middle of a step."""
    stuck = platform.stuck(f"act:{step}")
    row = await lab.request(connection=await me.connect())
    await lab.die_in(row, stuck.reached)
    return await lab.read(row)


async def test_a3_what_is_in_flight_and_not_yet_visible_is_taken_back(
    me: Person, platform: Scripted
) -> None:
    row = await in_flight(me.lab, platform, me, "draft")
    await downgrade(me)
    assert (await me.lab.read(row)).cancel_requested
    await me.lab.later(row)
    await work_off(me.lab)
    assert (await me.lab.read(row)).status is Status.CANCELLED
    assert platform.asked == ["act:draft", "undo:draft"]


async def test_a3_a_doubt_that_the_platform_settles_with_no_is_not_sent_after_a_downgrade(
    me: Person, platform: Scripted
) -> None:
    row = await in_flight(me.lab, platform, me, "send")
    await downgrade(me)
    await me.lab.later(row)
    await work_off(me.lab)
    assert (await me.lab.read(row)).status is Status.CANCELLED
    assert platform.asked == ["act:draft", "act:send", "look:send", "undo:draft"]


async def test_what_people_see_already_is_followed_to_its_end_whatever_the_plan(
    me: Person, platform: Scripted
) -> None:
    row = await in_flight(me.lab, platform, me, "send")
    platform.made[row.id].append("send")
    await downgrade(me)
    await me.lab.later(row)
    await work_off(me.lab)
    assert (await me.lab.read(row)).status is Status.PUBLISHED


@pytest.mark.parametrize("late", [False, True])
async def test_a_plan_that_a_newer_token_enlarged_is_believed_to_the_end(
    me: Person, platform: Scripted, late: bool
) -> None:
    """Also when the event of the smaller plan before it comes only afterwards."""
    if not late:
        await downgrade(me, when=-HOUR)
    [found] = await me.publish()
    failed = await me.one()
    await me.lab.rows(
        "UPDATE publications SET status = 'failed', due_at = NULL, plan_at = NULL,"
        " created_at = now() - interval '1 day' WHERE id = :id",
        id=failed["id"],
    )
    assert (await me.api.post(f"{PATH}/{failed['id']}/retry")).status_code == 202
    if late:
        await downgrade(me, when=-HOUR)
    await work_off(me.lab)
    assert [(await me.get(one))["status"] for one in (found, failed)] == ["published"] * 2
    assert platform.asked == ["act:draft", "act:send"] * 2


async def test_an_older_token_is_outweighed_by_an_event_that_comes_late(me: Person) -> None:
    old = me.with_plan("pro", iat=int(datetime.now(UTC).timestamp()) - 7200)
    body = await me.body(schedule_at=ahead(days=1))
    accepted = await me.api.post(PATH, json=body, headers=old)
    [found] = accepted.json()["publications"]
    await downgrade(me, when=-HOUR)
    assert (await me.get(found))["status"] == "cancelled"
