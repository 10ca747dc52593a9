"""What is told of lateness and duration is ours: no wait that somebody else wanted is in it."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus.subscription import Heard
from common.contracts.publisher import PublicationRequested
from common.ids import new_id
from platforms.port import Guard
from publisher.app.pause_publishing import pause_publishing, resume_publishing
from publisher.app.pauses import Pause, Scope
from publisher.app.resolve_publication import resolve_publication
from publisher.app.start_due import hold_due, start_due
from publisher.app.work import Worker
from publisher.domain.publication import Publication
from publisher.domain.states import Status
from publisher.media.opening import Opening

from .lab import Lab
from .scripted import Scripted
from .test_reactions import connected, expired

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
LATE, DURATION = "publication_lateness_seconds", "publication_seconds"


@pytest.fixture
def lab(empty_db: AsyncEngine, opening: Opening, platform: Scripted) -> Lab:
    platform.step("send", Guard.CHECKED, visible=True)
    return Lab(empty_db, opening, platform.adapter())


def observed(histogram: str) -> tuple[float, float]:
    """How many so far, and their sum."""
    count, total = (
        REGISTRY.get_sample_value(f"{histogram}_{part}", {"platform": "vk"})
        for part in ("count", "sum")
    )
    assert count is not None
    assert total is not None
    return count, total


async def taken(lab: Lab, row: Publication) -> Publication:
    """Started if its time has come, claimed and seen to its end by a worker."""
    async with lab.transaction() as uow:
        await start_due(uow)
    fact = PublicationRequested(
        publication_id=row.id,
        user_id=row.user_id,
        connection_id=row.connection_id,
        platform=row.platform,
    )
    worker = Worker(lab.engine(), slots=1)
    await worker(Heard(fact, row.version, new_id()))
    await worker.drain(40)
    found = await lab.read(row)
    assert found.fence >= 1
    return found


async def resumed(lab: Lab, row: Publication) -> None:
    """It was paused meanwhile."""
    async with lab.transaction() as uow:
        await pause_publishing(uow, Pause(Scope.USER, row.user_id, "op"))
    async with lab.transaction() as uow:
        await resume_publishing(uow, Scope.USER, row.user_id, by="op", reason=None)


async def test_a_scheduled_one_is_late_by_what_the_system_took(lab: Lab) -> None:
    count, total = observed(LATE)
    await taken(lab, await lab.scheduled(HOUR))
    later, more = observed(LATE)
    assert (later, more - total >= HOUR.total_seconds()) == (count + 1, True)


async def test_a_pause_makes_nothing_late(lab: Lab) -> None:
    count, total = observed(LATE)
    row = await lab.scheduled(HOUR)
    await resumed(lab, row)
    await taken(lab, row)
    later, more = observed(LATE)
    assert (later, more - total < HOUR.total_seconds()) == (count + 1, True)


async def test_an_account_that_was_not_well_makes_nothing_late(lab: Lab) -> None:
    count, total = observed(LATE)
    row = await lab.scheduled(HOUR)
    await lab.hear(expired(row.connection_id, row.user_id), version=2)
    async with lab.transaction() as uow:
        assert await hold_due(uow, hold_max=2 * HOUR) == 1
    await lab.hear(connected(row.connection_id, row.user_id), version=3)
    await taken(lab, row)
    later, more = observed(LATE)
    assert (later, more - total < HOUR.total_seconds()) == (count + 1, True)


async def test_one_without_a_time_of_its_own_is_never_late(lab: Lab) -> None:
    before = observed(LATE)
    assert (await taken(lab, await lab.request())).status is Status.PUBLISHED
    assert observed(LATE) == before


async def test_a_second_claim_is_not_judged_again(lab: Lab) -> None:
    row = await lab.scheduled()
    async with lab.transaction() as uow:
        await start_due(uow)
    await lab.claim(row)
    before = observed(LATE)
    await lab.later(row)
    await taken(lab, row)
    assert observed(LATE) == before


async def test_how_long_it_took_is_told_of_what_went_out_by_itself(lab: Lab) -> None:
    count, _ = observed(DURATION)
    await taken(lab, await lab.request())
    assert observed(DURATION)[0] == count + 1


async def test_how_long_it_took_is_not_told_of_what_was_paused(lab: Lab) -> None:
    before = observed(DURATION)
    row = await lab.request()
    await resumed(lab, row)
    assert (await taken(lab, row)).status is Status.PUBLISHED
    assert observed(DURATION) == before


async def test_how_long_it_took_is_not_told_of_what_a_person_resolved(lab: Lab) -> None:
    row = await lab.request()
    await lab.rows("UPDATE publications SET status = 'uncertain' WHERE id = :id", id=row.id)
    before = observed(DURATION)
    async with lab.transaction() as uow:
        done = await resolve_publication(
            uow, await lab.read(row), published=True, post_id=None, url=None
        )
    assert done is not None
    assert observed(DURATION) == before
