"""Who may work: one winner, a heartbeat, a wall at the lease's end, and a fence behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from platforms.port import Guard
from publisher.app.lease import Lease, LeaseLost
from publisher.app.ports import Transaction, Uow
from publisher.app.publish import publish
from publisher.domain.publication import Publication, Stage, StepState
from publisher.domain.states import Status
from support.waiting import eventually

from .lab import MEDIA, Lab
from .scripted import Scripted

pytestmark = pytest.mark.anyio


@dataclass
class Flaky:
    """A database that is away for a while."""

    inner: Transaction
    away: bool = False
    refused: int = 0

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Uow]:
        if self.away:
            self.refused += 1
            raise ConnectionRefusedError
        async with self.inner() as uow:
            yield uow

    def __call__(self) -> AbstractAsyncContextManager[Uow]:
        return self._open()


@pytest.fixture
def two(platform: Scripted) -> Scripted:
    platform.step("draft", Guard.REPEATABLE, undo=True)
    return platform.step("send", Guard.CHECKED, visible=True)


async def test_of_many_claims_at_once_one_wins(lab: Lab, two: Scripted) -> None:
    row = await lab.request()
    won = [one for one in await asyncio.gather(*[lab.claim(row) for _ in range(10)]) if one]
    assert len(won) == 1
    assert (won[0].fence, won[0].attempt) == (1, 1)
    assert two.asked == []


async def test_a_lease_that_ran_out_is_free_after_quarantine_only_if_a_call_may_be_under_way(
    lab: Lab, two: Scripted
) -> None:
    async def expired(row: Publication, ago: timedelta) -> None:
        await lab.rows(
            "UPDATE publications SET lease_until = now() - CAST(:ago AS interval) WHERE id = :id",
            ago=ago,
            id=row.id,
        )

    claimed = await lab.request()
    await lab.claim(claimed)
    await expired(claimed, timedelta(seconds=1))
    assert await lab.claim(claimed) is not None, "no call was begun"

    cut = two.stuck("act:draft")
    calling = await lab.request()
    await lab.die_in(calling, cut.reached)
    await expired(calling, timedelta(seconds=29))
    assert await lab.claim(calling) is None, "who held it may still be sending"
    await expired(calling, timedelta(seconds=31))
    again = await lab.claim(calling)
    assert again is not None
    assert again.fence == 2


async def test_a_late_worker_writes_nothing(lab: Lab, two: Scripted) -> None:
    late = two.stuck("act:draft")
    row = await lab.request()
    claimed = await lab.claim(row)
    assert claimed is not None
    work = asyncio.create_task(publish(lab.engine(), claimed))
    async with asyncio.timeout(10):
        await late.reached.wait()
    done = await lab.to_the_end(row)
    assert done.status is Status.PUBLISHED
    before = await lab.lines(row)
    late.go.set()
    await work
    assert await lab.read(row) == done
    assert await lab.lines(row) == before
    assert two.asked == ["act:draft", "act:draft", "act:send"]


async def test_one_renewal_that_hangs_does_not_cost_the_lease(lab: Lab, two: Scripted) -> None:
    """As on a connection that was cut without a word."""
    del two
    row = await lab.claim(await lab.request())
    assert row is not None
    opened: list[float] = []
    began = asyncio.get_running_loop().time()

    @asynccontextmanager
    async def hangs_once() -> AsyncIterator[Uow]:
        opened.append(asyncio.get_running_loop().time() - began)
        if len(opened) == 1:
            await asyncio.Event().wait()
        async with lab.transaction() as uow:
            yield uow

    lease = Lease(row, timedelta(seconds=4), hangs_once)
    keeping = asyncio.create_task(lease.keep())

    async def tried_again() -> bool:
        return len(opened) > 1

    await eventually(tried_again)
    keeping.cancel()
    assert opened[1] < 4 * 0.8, "before the wall"


async def test_a_heartbeat_keeps_a_step_that_outlasts_many_leases(lab: Lab, two: Scripted) -> None:
    quick = lab.quick(lease=2, quarantine=0.1)
    long = two.stuck("act:draft")
    row = await lab.request()
    work = asyncio.create_task(quick.attempt(row))
    async with asyncio.timeout(10):
        await long.reached.wait()
    first = (await lab.read(row)).lease_until
    assert first is not None

    async def renewed() -> bool:
        until = (await lab.read(row)).lease_until
        return until is not None and until - first > timedelta(seconds=4)

    await eventually(renewed)
    assert await quick.claim(row) is None
    long.go.set()
    assert (await work).status is Status.PUBLISHED
    assert two.asked == ["act:draft", "act:send"]


async def test_a_lease_that_can_not_be_renewed_stops_the_call_and_nothing_is_written(
    lab: Lab, two: Scripted
) -> None:
    quick = lab.quick(lease=0.6, quarantine=0.2)
    flaky = Flaky(lab.transaction)
    stuck = two.stuck("act:draft")
    row = await lab.request()
    claimed = await quick.claim(row)
    assert claimed is not None
    work = asyncio.create_task(publish(quick.engine(flaky), claimed))
    async with asyncio.timeout(10):
        await stuck.reached.wait()
        flaky.away = True
        await work
    found = await lab.read(row)
    assert (found.status, found.step_state, found.fence) == (
        Status.PUBLISHING,
        StepState.STARTED,
        1,
    )
    flaky.away = False

    async def taken_over() -> Publication | None:
        return await quick.claim(row)

    again = await eventually(taken_over)
    assert again is not None
    await publish(lab.engine(), again)
    assert (await lab.read(row)).status is Status.PUBLISHED


async def test_a_database_that_is_away_for_a_moment_does_not_lose_what_the_platform_told(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.ONCE, visible=True)
    flaky = Flaky(lab.transaction)
    sending = platform.stuck("act:send")
    row = await lab.request()
    claimed = await lab.claim(row)
    assert claimed is not None
    work = asyncio.create_task(publish(lab.engine(flaky), claimed))
    async with asyncio.timeout(10):
        await sending.reached.wait()
        flaky.away = True
        sending.go.set()

        async def tried() -> bool:
            return flaky.refused > 1

        await eventually(tried)
        flaky.away = False
        await work
    assert (await lab.read(row)).status is Status.PUBLISHED


async def test_a_database_that_is_away_does_not_break_an_upload_off_for_the_sake_of_a_percent(
    lab: Lab, platform: Scripted
) -> None:
    platform.step("send", Guard.ONCE, visible=True)
    flaky = Flaky(lab.transaction)

    async def upload(job: Any) -> None:
        flaky.away = True
        await job.progress(500)
        flaky.away = False

    platform.order("act:send", upload)
    row = await lab.request()
    claimed = await lab.claim(row)
    assert claimed is not None
    await publish(lab.engine(flaky), claimed)
    assert flaky.refused == 1
    assert (await lab.read(row)).status is Status.PUBLISHED


async def test_progress_is_shown_in_percent_of_the_file_while_uploading(
    lab: Lab, two: Scripted
) -> None:
    seen: list[tuple[Stage | None, int | None]] = []

    async def upload(job: Any) -> None:
        await job.progress(MEDIA["bytes"] // 4)
        found = await lab.read(row)
        seen.append((found.stage, found.percent))
        await job.progress(MEDIA["bytes"] // 2)  # too soon to be told
        seen.append((found.stage, (await lab.read(row)).percent))

    two.order("act:draft", upload)
    row = await lab.request()
    done = await lab.attempt(row)
    assert seen == [(Stage.UPLOADING, 25), (Stage.UPLOADING, 25)]
    assert (done.status, done.percent) == (Status.PUBLISHED, None)


async def test_progress_of_a_worker_that_was_replaced_stops_it(lab: Lab, two: Scripted) -> None:
    async def replaced(job: Any) -> None:
        await lab.later(row)
        assert await lab.claim(row) is not None
        await job.progress(500)
        raise AssertionError("it went on")

    two.order("act:draft", replaced)
    row = await lab.request()
    claimed = await lab.claim(row)
    assert claimed is not None
    await publish(lab.engine(), claimed)
    found = await lab.read(row)
    assert (found.fence, found.percent, found.failures) == (2, None, 0)


async def test_past_its_wall_a_lease_lets_nothing_be_sent(lab: Lab, two: Scripted) -> None:
    row = await lab.claim(await lab.request())
    assert row is not None
    lease = Lease(row, timedelta(seconds=0), lab.transaction)
    with pytest.raises(LeaseLost):
        async with lease.sending(timedelta(seconds=5)):
            raise AssertionError("sent")
    assert two.asked == []


async def test_a_call_that_is_slow_to_stop_does_not_take_the_heartbeat_with_it(
    lab: Lab, two: Scripted
) -> None:
    """The limit has fired, the call is cleaning up, and the lease is renewed in between."""
    row = await lab.claim(await lab.request())
    assert row is not None
    lease = Lease(row, timedelta(seconds=0.3), lab.transaction)
    keeping = asyncio.create_task(lease.keep())

    async def call() -> None:
        async with lease.sending(timedelta(seconds=0.05)):
            try:
                await asyncio.Event().wait()
            finally:
                await eventually(renewed)

    first = row.lease_until
    assert first is not None

    async def renewed() -> bool:
        return (await lab.read(row)).lease_until != first

    with pytest.raises(TimeoutError):
        await call()
    assert not keeping.done(), keeping
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert two.asked == []


async def test_told_to_stop_it_hands_over_after_the_step(lab: Lab, two: Scripted) -> None:
    drafting = two.stuck("act:draft")
    row = await lab.request()
    claimed = await lab.claim(row)
    assert claimed is not None
    work = asyncio.create_task(publish(lab.engine(), claimed))
    async with asyncio.timeout(10):
        await drafting.reached.wait()
        lab.stopping.set()
        drafting.go.set()
        await work
    found = await lab.read(row)
    assert (found.status, found.lease_until, found.failures) == (Status.PUBLISHING, None, 0)
    assert (await lab.kinds(row))[-1] == "handed_over"
    other = replace(lab, stopping=asyncio.Event())
    assert (await other.attempt(row)).status is Status.PUBLISHED
    assert two.asked == ["act:draft", "act:send"]


async def test_status_changes_count_the_version_up_one_by_one_and_the_timeline_has_no_gap(
    lab: Lab, two: Scripted
) -> None:
    row = await lab.attempt(await lab.request())
    facts = await lab.told(row)
    assert [fact["aggregateversion"] for fact in facts] == [1, 2]
    statuses = [line["status"] for line in await lab.lines(row)]
    assert statuses == ["publishing"] * (len(statuses) - 1) + ["published"]
    assert two.asked
