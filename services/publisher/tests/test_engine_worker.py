"""From a wake-up call to a running task: slots, claims, letting the message go, and stopping."""

import asyncio
from dataclasses import replace

import pytest

from common.bus.subscription import Heard
from common.contracts.publisher import PublicationRequested
from common.ids import new_id
from platforms.port import Guard
from publisher.app.work import Worker
from publisher.domain.publication import Publication, StepState
from publisher.domain.states import Status
from support.waiting import eventually

from .lab import Lab
from .scripted import Gate, Scripted

pytestmark = pytest.mark.anyio


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
    drafting = Gate()
    two.order("act:draft", drafting)
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
    drafting = Gate()
    two.order("act:draft", drafting)
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
    stuck = Gate()
    two.order("act:draft", stuck)
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
