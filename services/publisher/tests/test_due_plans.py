"""How much the queue's statements read: what is due, however many are not.

The figures are PostgreSQL's own (EXPLAIN ANALYZE), so a busy machine changes none of them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from common.contracts.words import Platform
from common.db.engine import async_url
from publisher.db.due import DueRows
from publisher.db.tables import publications
from support.plans import Cost, cost, statements
from support.servers import NewDatabase, owners

from .conftest import MIGRATIONS
from .crowd import Crowd
from .lab import POLICY

pytestmark = pytest.mark.anyio
MILLION, DUE = 1_000_000, 200
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
AGAIN = timedelta(minutes=1)

Statement = Callable[[DueRows], Awaitable[Any]]
STATEMENTS: dict[str, Statement] = {
    "start": lambda due: due.start(500),
    "stuck": lambda due: due.stuck(500),
    "next in turn": lambda due: due.next_in_turn(Platform.VK, "", quarantine=POLICY.quarantine),
    "call": lambda due: due.call(500, set(Platform), quarantine=POLICY.quarantine),
    "call again": lambda due: due.call_again(
        set(Platform), quarantine=POLICY.quarantine, again_after=AGAIN
    ),
}


@pytest.fixture
def own_url(new_database: NewDatabase) -> str:
    """Its owner may have statistics gathered."""
    return owners(new_database("publisher", MIGRATIONS))


@pytest.fixture
async def own_db(own_url: str) -> AsyncIterator[AsyncEngine]:
    """A database for one test, which may take its time."""
    opened = create_async_engine(async_url(SecretStr(own_url)))
    yield opened
    await opened.dispose()


@pytest.fixture
async def crowd(own_db: AsyncEngine) -> Crowd:
    found = Crowd(own_db, 1000)
    await found.connect()
    return found


async def costs(db: AsyncEngine, *, small: bool = False) -> dict[str, Cost]:
    """Of each statement as the code sends it; nothing is changed."""
    async with db.connect() as connection:
        await connection.execute(text("ANALYZE publications, connections"))
        await connection.commit()
        found = {}
        for name, ask in STATEMENTS.items():
            with statements(db) as sent:
                await ask(DueRows(connection))
            await connection.rollback()
            found[name] = await cost(connection, sent[0], of=("publications",), small=small)
        return found


async def test_a_million_future_ones_slow_nothing_down(own_db: AsyncEngine, crowd: Crowd) -> None:
    await crowd.publications("due", DUE, ahead=-SECOND)
    await crowd.publications("lost", DUE, status="publishing", ahead=-SECOND)
    await crowd.publications("thousand", 1000, ahead=DAY, apart=SECOND)
    few = await costs(own_db, small=True)
    await quickly(own_db, crowd)
    many = await costs(own_db)
    for name in STATEMENTS:
        assert many[name].scans <= {"Index Scan", "Index Only Scan"}, name
        assert many[name].rows == few[name].rows <= 2 * DUE, name
        # An index of a million has a level more than one of a thousand.
        assert many[name].buffers <= 1.3 * few[name].buffers + 2 * DUE, (name, many[name].buffers)


async def quickly(db: AsyncEngine, crowd: Crowd) -> None:
    """A million more; the indexes are made when the rows are there, which takes half the time."""
    async with db.begin() as connection:
        for index in publications.indexes:
            await connection.run_sync(index.drop)
    await crowd.publications("million", MILLION, ahead=DAY, apart=SECOND)
    async with db.begin() as connection:
        for index in publications.indexes:
            await connection.run_sync(index.create)


async def test_a_backlog_costs_no_more_than_what_is_taken_of_it(
    own_db: AsyncEngine, crowd: Crowd
) -> None:
    """The clock asks four times a second, a worker for each publication."""
    for kind in ("waiting", "more"):
        await crowd.publications(kind, 5000, status="publishing", ahead=-SECOND, called=True)
    backlog = await costs(own_db)
    for name in STATEMENTS:
        assert backlog[name].buffers < 100, name
        assert backlog[name].rows <= 4, name


async def test_waits_for_a_later_attempt_are_passed_over_in_the_index(
    own_db: AsyncEngine, crowd: Crowd
) -> None:
    await crowd.publications("retry", 10_000, status="publishing", ahead=DAY)
    waiting = await costs(own_db)
    for name in STATEMENTS:
        assert waiting[name].rows == 0, name
        assert waiting[name].buffers < 200, name


@pytest.mark.parametrize(
    "order",
    [
        "INSERT INTO pauses (scope, id, paused_by) VALUES ('platform', 'vk', 'olga')",
        "UPDATE connections SET rest_until = now() + interval '1 hour'",
    ],
    ids=["paused", "resting"],
)
async def test_of_those_that_may_not_go_each_is_read_once_at_most(
    own_db: AsyncEngine, crowd: Crowd, order: str
) -> None:
    await crowd.publications("called", 10_000, status="publishing", ahead=-SECOND, called=True)
    async with own_db.begin() as connection:
        await connection.execute(text(order))
    held = await costs(own_db)
    for name in ("start", "stuck", "call"):
        assert held[name].rows == 0, name
    for name in ("next in turn", "call again"):
        assert held[name].rows <= 10_000, name
        assert held[name].buffers < 1.2 * 10_000, name
