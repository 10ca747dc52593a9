"""From a wake-up call to a running task: slots, claims, letting the message go, and stopping."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus.subscription import Heard
from common.contracts.publisher import PublicationRequested
from common.contracts.words import Platform
from common.ids import new_id
from platforms.errors import NotYet
from platforms.port import Guard
from publisher.app.work import Worker
from publisher.domain.publication import Publication, Stage, StepState
from publisher.domain.states import Status
from publisher.media.opening import Opening
from support.waiting import eventually

from .lab import Lab
from .scripted import Scripted

pytestmark = pytest.mark.anyio


@pytest.fixture
def lab(empty_db: AsyncEngine, opening: Opening, platform: Scripted) -> Lab:
    """A worker takes whatever is due, so there is nothing else."""
    return Lab(empty_db, opening, platform.adapter())


@pytest.fixture
def two(platform: Scripted) -> Scripted:
    platform.step("draft", Guard.REPEATABLE, undo=True)
    return platform.step("send", Guard.CHECKED, visible=True)


def _call(row: Publication) -> Heard:
    fact = PublicationRequested(
        publication_id=row.id,
        user_id=row.user_id,
        connection_id=row.connection_id,
        platform=row.platform,
    )
    return Heard(fact, row.version, new_id())


async def _ended(lab: Lab, row: Publication) -> Publication:
    async def look() -> Publication | None:
        found = await lab.read(row)
        return found if found.status is not Status.PUBLISHING else None

    found = await eventually(look)
    assert found is not None
    return found


async def test_a_worker_lets_the_message_go_at_the_claim_and_works_on(
    lab: Lab, two: Scripted
) -> None:
    drafting = two.stuck("act:draft")
    row = await lab.request()
    worker = Worker(lab.engine(), slots=2)
    async with asyncio.timeout(10):
        await worker(_call(row))
        await worker(_call(row))
        await drafting.reached.wait()
    drafting.go.set()
    assert (await _ended(lab, row)).status is Status.PUBLISHED
    await worker(_call(row))
    await worker.drain(5)
    assert two.asked == ["act:draft", "act:send"]


async def test_with_all_slots_taken_nothing_more_is_claimed(lab: Lab, two: Scripted) -> None:
    drafting = two.stuck("act:draft")
    first, second = await lab.request(), await lab.request()
    worker = Worker(lab.engine(), slots=1)
    async with asyncio.timeout(10):
        await worker(_call(first))
        waiting = asyncio.create_task(worker(_call(second)))
        await drafting.reached.wait()
    assert not waiting.done()
    assert (await lab.read(second)).fence == 0
    drafting.go.set()
    await waiting
    for row in (first, second):
        assert (await _ended(lab, row)).status is Status.PUBLISHED


async def test_a_worker_that_stops_claims_nothing_and_leaves_the_message_alone(
    lab: Lab, two: Scripted
) -> None:
    worker = Worker(lab.engine(), slots=1)
    worker.stop_claiming()
    row = await lab.request()
    with pytest.raises(asyncio.CancelledError):
        await worker(_call(row))
    assert (await lab.read(row)).fence == 0
    assert two.asked == []


async def test_what_does_not_end_while_draining_is_left_to_its_lease(
    lab: Lab, two: Scripted
) -> None:
    stuck = two.stuck("act:draft")
    row = await lab.request()
    worker = Worker(lab.engine(), slots=1)
    async with asyncio.timeout(10):
        await worker(_call(row))
        await stuck.reached.wait()
        worker.stop_claiming()
        await worker.drain(0.1)
    found = await lab.read(row)
    assert (found.status, found.step_state) == (Status.PUBLISHING, StepState.STARTED)
    assert found.lease_until is not None
    other = replace(lab, stopping=asyncio.Event())
    assert (await other.to_the_end(row)).status is Status.PUBLISHED


async def test_one_call_brings_everything_back(lab: Lab, two: Scripted) -> None:
    """All other calls were lost: whoever is at work goes on with what is due."""
    rows = [await lab.request() for _ in range(5)]
    worker = Worker(lab.engine(), slots=2)
    await worker(_call(rows[3]))
    for row in rows:
        assert (await _ended(lab, row)).status is Status.PUBLISHED
    await worker.drain(5)
    assert sorted(two.asked) == ["act:draft"] * 5 + ["act:send"] * 5


@pytest.mark.usefixtures("two")
async def test_users_take_turns_however_many_each_of_them_has(lab: Lab) -> None:
    """One has thirty in the queue, the other comes last with one."""
    many, single = await lab.connection("user-a"), await lab.connection("user-b")
    for _ in range(30):
        await lab.request(connection=many)
    await lab.request(connection=single)
    turns = asyncio.Queue[None]()

    async def in_line(platform: Platform) -> None:
        del platform
        await turns.get()

    paced = replace(lab, turn=in_line)
    worker = Worker(paced.engine(), slots=8)
    calls = [asyncio.create_task(worker(_call(await lab.request(connection=many)))) for _ in "1234"]
    for _ in range(4):
        turns.put_nowait(None)
    await asyncio.gather(*calls)

    async def claimed() -> list[str]:
        lines = await lab.rows(
            "SELECT p.user_id FROM timeline t JOIN publications p ON p.id = t.publication_id"
            " WHERE t.kind = 'claimed' ORDER BY t.id"
        )
        return [line["user_id"] for line in lines]

    assert "user-b" in (await claimed())[:2]
    for _ in range(100):
        turns.put_nowait(None)
    await worker.drain(30)
    assert (await claimed()).count("user-b") == 1


async def test_only_one_at_a_time_stands_in_a_platforms_line(lab: Lab, two: Scripted) -> None:
    """So whoever comes now is behind one publication of each worker, and not behind all slots."""
    rows = [await lab.request() for _ in range(4)]
    turns = asyncio.Queue[None]()

    async def in_line(platform: Platform) -> None:
        del platform
        await turns.get()

    worker = Worker(replace(lab, turn=in_line).engine(), slots=8)
    calls = [asyncio.create_task(worker(_call(row))) for row in rows]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)

    async def fences() -> int:
        return sum([(await lab.read(row)).fence for row in rows])

    assert await fences() == 1
    for turn in range(2, 5):
        turns.put_nowait(None)
        await eventually(lambda wanted=turn: _reached(fences, wanted))
    turns.put_nowait(None)
    await asyncio.gather(*calls)
    await worker.drain(10)
    assert two.asked.count("act:send") == 4


async def _reached(count: Callable[[], Awaitable[int]], wanted: int) -> bool:
    return await count() == wanted


async def test_a_turn_that_is_too_far_away_gives_the_publication_back(
    lab: Lab, two: Scripted
) -> None:
    async def too_far(platform: Platform) -> None:
        raise NotYet(timedelta(seconds=40), note=f"our own pace: {platform}")

    row = await lab.request()
    worker = Worker(replace(lab, turn=too_far).engine(), slots=1)
    await worker(_call(row))
    await worker.drain(5)
    found = await lab.read(row)
    assert (found.stage, found.stage_why, found.attempt) == (Stage.WAITING, "rate_limited", 1)
    assert (found.failures, found.lease_until, two.asked) == (0, None, [])
    assert await lab.claim(row) is None
