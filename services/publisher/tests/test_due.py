"""Ten thousand publications of one second: all started in time, in order, none early, each once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from common.bus import topology
from common.bus.subscription import queues
from publisher.app.start_due import BATCH, start_due
from publisher.bus.subscriptions import SUBSCRIPTIONS
from publisher.clock import Clock
from publisher.media.opening import Opening
from publisher.settings import PublisherSettings
from support.plans import statements
from support.processes import process
from support.servers import NewVhost
from support.waiting import eventually

from .crowd import Crowd
from .lab import Lab
from .scripted import Scripted

pytestmark = pytest.mark.anyio
MANY, LATER = 10_000, 50
SOME = 2_000
"""For the process that also has to tell all of them, beside other tests on a small machine."""
WITHIN = timedelta(seconds=40)
"""Only a clock that falls behind takes so long, whatever else the machine does."""
SECOND = timedelta(seconds=1)


@pytest.fixture
def lab(empty_db: AsyncEngine, opening: Opening, platform: Scripted) -> Lab:
    """A clock starts whatever is due, so there is nothing else."""
    return Lab(empty_db, opening, platform.adapter())


@pytest.fixture
async def due_soon(lab: Lab) -> None:
    """Ten thousand of four hundred users within one second, and a few a second after it."""
    crowd = Crowd(lab.db, 400)
    await crowd.connect()
    await crowd.publications("many", MANY, ahead=2 * SECOND, apart=SECOND / MANY)
    await crowd.publications("later", LATER, ahead=4 * SECOND)


@asynccontextmanager
async def ticking(lab: Lab, settings_values: dict[str, Any]) -> AsyncIterator[None]:
    """A clock as it runs in its process."""
    stop = asyncio.Event()
    clock = Clock(lab.transaction, PublisherSettings(**settings_values))
    task = asyncio.create_task(clock.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def all_started(lab: Lab, many: int = MANY) -> timedelta:
    """When all are: how long after the last was due it was publishing, its call in the outbox."""

    async def look() -> dict[str, Any] | None:
        [found] = await lab.rows(
            "SELECT count(*) AS many, max(updated_at) - max(schedule_at) AS took"
            " FROM publications WHERE status = 'publishing' AND clip_id LIKE md5('many') || '%'"
        )
        return found if found["many"] == many else None

    found = await eventually(look, seconds=60)
    assert found is not None
    took: timedelta = found["took"]
    print(f"\n{many} started {took.total_seconds():.1f} s after the last was due")  # noqa: T201 - the figure
    return took


async def none_is_lost_or_early(lab: Lab, many: int = MANY) -> None:
    """Each was started once, with one line and one call, and not before its time."""

    async def others() -> bool:
        [left] = await lab.rows("SELECT count(*) FROM publications WHERE status <> 'publishing'")
        return left["count"] == 0

    await eventually(others)
    [seen] = await lab.rows(
        "SELECT count(*) AS rows, count(*) FILTER (WHERE updated_at < schedule_at) AS early,"
        " count(*) FILTER (WHERE version <> 2) AS twice,"
        " (SELECT count(*) FROM timeline WHERE kind = 'due') AS lines,"
        " (SELECT count(DISTINCT publication_id) FROM timeline WHERE kind = 'due') AS noted,"
        " (SELECT count(*) FROM outbox) AS calls,"
        " (SELECT count(DISTINCT body->>'subject') FROM outbox) AS called FROM publications"
    )
    everyone = many + LATER
    assert seen == {
        "rows": everyone,
        "early": 0,
        "twice": 0,
        "lines": everyone,
        "noted": everyone,
        "calls": everyone,
        "called": everyone,
    }


@pytest.mark.usefixtures("due_soon")
async def test_ten_thousand_of_one_second_are_started_in_order_and_in_time(
    lab: Lab, settings_values: dict[str, Any]
) -> None:
    async with ticking(lab, settings_values):
        assert await all_started(lab) < WITHIN
        await none_is_lost_or_early(lab)
    lines = await lab.rows(
        "SELECT p.due_at FROM publications p JOIN timeline t ON t.publication_id = p.id"
        " WHERE t.kind = 'due' ORDER BY t.id"
    )
    started = [line["due_at"] for line in lines]
    assert started == sorted(started), "in the order of their times"
    batches = await lab.rows(
        "SELECT min(p.due_at) AS first, max(p.due_at) AS last FROM outbox o"
        " JOIN publications p ON CAST(p.id AS text) = o.body->>'subject'"
        " GROUP BY o.created_at ORDER BY o.created_at"
    )
    ends = [end for batch in batches for end in (batch["first"], batch["last"])]
    assert ends == sorted(ends), "and called for so"


@pytest.mark.usefixtures("due_soon")
async def test_two_clocks_share_them_without_starting_any_twice(
    lab: Lab, settings_values: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(ticking(lab, settings_values))
        assert await all_started(lab) < WITHIN
        await none_is_lost_or_early(lab)


async def test_the_real_process_starts_them_in_time_while_it_tells_workers(
    lab: Lab, settings_values: dict[str, Any], new_vhost: NewVhost
) -> None:
    url = new_vhost()
    rungs = PublisherSettings.model_fields["bus_retry_delays"].default
    await topology.declare(SecretStr(url), "publisher", queues("publisher", SUBSCRIPTIONS, rungs))
    settings = {name.upper(): str(value) for name, value in settings_values.items()}
    with process("publisher", "clock", settings={**settings, "RABBITMQ_URL": url}):
        crowd = Crowd(lab.db, 400)
        await crowd.connect()
        await crowd.publications("many", SOME, ahead=2 * SECOND, apart=SECOND / SOME)
        await crowd.publications("later", LATER, ahead=4 * SECOND)
        assert await all_started(lab, SOME) < WITHIN
        await none_is_lost_or_early(lab, SOME)


async def test_a_batch_takes_as_many_statements_as_a_single_one(
    lab: Lab,
) -> None:
    crowd = Crowd(lab.db, 10)
    await crowd.connect()
    counts = []
    for kind, many in (("one", 1), ("batch", BATCH)):
        await crowd.publications(kind, many, ahead=-SECOND)
        with statements(lab.db) as sent:
            async with lab.transaction() as uow:
                assert await start_due(uow) == many
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 4
