"""What publisher counts for dashboards, alerts and scaling is what its rows say."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from common.contracts.words import Platform
from common.db.engine import connect
from common.ids import new_id
from common.observe import metrics
from platforms.errors import TokenExpired
from platforms.port import Guard, Job
from publisher.app.pause_publishing import pause_publishing, resume_publishing
from publisher.app.pauses import Pause, Scope
from publisher.db import open_counts
from publisher.db.open_counts import tell_open
from publisher.media.opening import Opening
from support.servers import NewDatabase, owners, truncate
from support.waiting import eventually

from .conftest import MIGRATIONS
from .lab import Lab
from .scripted import Marks, Scripted

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lab(
    empty_db: AsyncEngine, database_url: str, opening: Opening, platform: Scripted
) -> Lab:
    """Everything is counted, so there is nothing else."""
    platform.step("send", Guard.CHECKED, visible=True)
    await truncate(database_url, "pauses", "audit")
    return Lab(empty_db, opening, platform.adapter())


@pytest.fixture
async def counting(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(open_counts, "EVERY_SECONDS", 0.02)
    stop = asyncio.Event()
    task = asyncio.create_task(tell_open(lab.db, lab.policy.quarantine, stop))
    yield
    stop.set()
    await asyncio.wait_for(task, timeout=40)


def number(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def becomes(wanted: float, name: str, **labels: str) -> None:
    async def seen() -> bool:
        return number(name, **labels) == wanted

    await eventually(seen, 40)


async def waits_at_least(seconds: float) -> None:
    async def old() -> bool:
        return (number("publications_due_oldest_seconds", platform="vk") or 0) >= seconds

    await eventually(old, 40)


@pytest.mark.usefixtures("counting")
async def test_due_is_what_a_worker_could_take_and_none_has(lab: Lab) -> None:
    """Neither what waits for its time, nor what is held, paused, resting or over."""
    await becomes(0, "publications_due", platform="vk")
    rows = [await lab.request() for _ in range(6)]
    await becomes(6, "publications_due", platform="vk")
    await lab.request(at=datetime.now(UTC) + timedelta(hours=1))
    assert await lab.claim(rows[0])
    await lab.attempt(rows[1])
    await lab.rows(
        "UPDATE connections SET rest_until = now() + interval '1 hour' WHERE id = :id",
        id=rows[2].connection_id,
    )
    async with lab.transaction() as uow:
        await uow.pauses.add(Pause(Scope.USER, rows[3].user_id, "op"))
    await becomes(2, "publications_due", platform="vk")
    assert number("publications_due", platform="dzen") == 0
    assert number("publications_due_oldest_seconds", platform="dzen") == 0
    await lab.rows(
        "UPDATE publications SET due_at = due_at - interval '1 hour' WHERE id = :id", id=rows[5].id
    )

    await waits_at_least(3600)
    await becomes(1, "publications_open", platform="vk", status="scheduled")
    await becomes(5, "publications_open", platform="vk", status="publishing")


@pytest.mark.usefixtures("counting")
async def test_pauses_are_told_by_what_they_cover_and_who_paused(lab: Lab) -> None:
    made = (
        Pause(Scope.CONNECTION, str(new_id()), "burst"),
        Pause(Scope.CONNECTION, str(new_id()), "burst"),
        Pause(Scope.CONNECTION, str(new_id()), "operator-7"),
        Pause(Scope.PLATFORM, Platform.VK, "operator-7"),
    )
    async with lab.transaction() as uow:
        for pause in made:
            await uow.pauses.add(pause)
    await becomes(2, "pauses", scope="connection", by="burst")
    await becomes(1, "pauses", scope="connection", by="operator")
    await becomes(1, "pauses", scope="platform", by="operator")
    await becomes(0, "pauses", scope="user", by="burst")
    async with lab.transaction() as uow:
        for pause in made:
            await uow.pauses.remove(pause.scope, pause.id)
    await becomes(0, "pauses", scope="connection", by="burst")


@pytest.mark.usefixtures("counting")
async def test_overdue_ones_that_no_clock_has_started_wait_too_though_no_worker_could_take_them(
    lab: Lab,
) -> None:
    """Unless they are paused, or held for their account."""
    hours = timedelta(hours=2)
    paused, held = await lab.scheduled(hours), await lab.scheduled(hours)
    async with lab.transaction() as uow:
        await uow.pauses.add(Pause(Scope.USER, paused.user_id, "op"))
    await lab.rows(
        "UPDATE connections SET status = 'expired' WHERE id = :id", id=held.connection_id
    )
    await becomes(2, "publications_open", platform="vk", status="scheduled")
    await becomes(0, "publications_due_oldest_seconds", platform="vk")
    await lab.scheduled(timedelta(hours=1))
    await waits_at_least(3600)
    assert (number("publications_due_oldest_seconds", platform="vk") or 0) < hours.total_seconds()
    assert number("publications_due", platform="vk") == 0


@pytest.mark.parametrize("what", ["paused", "resting", "held"])
@pytest.mark.usefixtures("counting")
async def test_the_wait_for_a_worker_begins_when_nothing_else_is_waited_for(
    lab: Lab, what: str
) -> None:
    """A backlog that goes out at the platform's pace after a pause is not stuck for as long."""
    row = await lab.request()
    await lab.rows("UPDATE publications SET due_at = now() - interval '5 hours'")
    await waits_at_least(5 * 3600)
    match what:
        case "paused":
            async with lab.transaction() as uow:
                await pause_publishing(uow, Pause(Scope.USER, row.user_id, "op"))
            async with lab.transaction() as uow:
                await resume_publishing(uow, Scope.USER, row.user_id, by="op", reason=None)
        case "resting":
            await lab.rows("UPDATE connections SET rest_until = now() - interval '1 hour'")
        case "held":
            await lab.rows("UPDATE publications SET lease_until = now() - interval '1 hour'")

    async def shorter() -> bool:
        oldest = number("publications_due_oldest_seconds", platform="vk") or 0
        return number("publications_due", platform="vk") == 1 and oldest < 2 * 3600

    await eventually(shorter, 40)


@pytest.fixture
def own_database(new_database: NewDatabase) -> str:
    """One of which a test may take something away."""
    return new_database("publisher", MIGRATIONS)


async def test_one_count_that_fails_takes_no_other_along(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_counts, "EVERY_SECONDS", 0.02)
    own = connect(SecretStr(own_database), "test")
    owner = connect(SecretStr(owners(own_database)), "test")
    async with owner.begin() as connection:
        await connection.execute(text("DROP TABLE audit"))
    await owner.dispose()
    stop = asyncio.Event()
    metrics.PUBLICATIONS_OPEN.clear()
    metrics.PAUSES.clear()
    task = asyncio.create_task(tell_open(own, timedelta(seconds=1), stop))
    await becomes(0, "publications_open", platform="vk", status="uncertain")
    await becomes(0, "pauses", scope="user", by="burst")
    assert number("publications_due", platform="vk") is None
    stop.set()
    await asyncio.wait_for(task, timeout=40)
    await own.dispose()


async def test_a_database_that_is_away_costs_the_numbers_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An old number would go on saying that all is well."""
    monkeypatch.setattr(open_counts, "EVERY_SECONDS", 0.02)
    for gauge in (metrics.PUBLICATIONS_DUE, metrics.PUBLICATIONS_DUE_OLDEST):
        gauge.labels(Platform.VK).set(7)
    metrics.PUBLICATIONS_OPEN.labels(Platform.VK, "uncertain").set(7)
    metrics.PAUSES.labels("user", "burst").set(7)
    away = connect(SecretStr("postgresql://somebody@127.0.0.1:1/nothing"), "test")
    stop = asyncio.Event()

    async def twice() -> bool:
        return [line["event"] for line in said].count("open_count_unknown") >= 6

    with capture_logs() as said:
        task = asyncio.create_task(tell_open(away, timedelta(seconds=1), stop))
        await eventually(twice, 40)
    stop.set()
    await asyncio.wait_for(task, timeout=40)
    await away.dispose()
    told = {family.name for family in REGISTRY.collect() if family.samples}
    assert "publications" in told
    assert not told & {
        "publications_due",
        "publications_due_oldest_seconds",
        "publications_open",
        "pauses",
    }


async def test_every_byte_that_left_is_counted_once_also_of_an_upload_begun_anew(
    lab: Lab, platform: Scripted
) -> None:
    async def refused(job: Job[Marks]) -> None:
        await job.progress(300)
        await job.progress(700)
        raise TokenExpired

    async def whole(job: Job[Marks]) -> None:
        await job.progress(1000)

    platform.order("act:send", refused, whole)
    before = number("upload_bytes_total", platform="vk") or 0
    await lab.attempt(await lab.request())
    assert number("upload_bytes_total", platform="vk") == before + 1700
