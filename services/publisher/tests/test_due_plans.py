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
from publisher.domain.burst import Burst
from support.plans import Cost, cost, statements
from support.servers import NewDatabase, owners
from support.waiting import eventually

from .conftest import MIGRATIONS
from .crowd import Crowd
from .lab import POLICY

pytestmark = pytest.mark.anyio
MILLION, DUE = 1_000_000, 200
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
AGAIN = timedelta(minutes=1)
AT_WORK = 50
FEW = 10
"""Pages that may hold something new."""

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


async def counted(db: AsyncEngine) -> None:
    """PostgreSQL learns what the tables are like now."""
    async with db.begin() as connection:
        await connection.execute(text("ANALYZE publications, connections"))


async def costs(db: AsyncEngine, *, small: bool = False, anew: bool = True) -> dict[str, Cost]:
    """Of each statement as the code sends it; nothing is changed."""
    if anew:
        await counted(db)
    async with db.connect() as connection:
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
        assert many[name].rows <= 3 * DUE, name
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


async def test_what_was_known_of_a_quiet_table_misleads_nobody_when_a_backlog_comes(
    own_db: AsyncEngine, crowd: Crowd
) -> None:
    await crowd.publications("past", 5000, status="published")
    await counted(own_db)
    await crowd.publications("waiting", 5000, status="publishing", ahead=-SECOND, called=True)
    async with own_db.begin() as connection:
        await connection.execute(
            text(
                "UPDATE publications SET lease_until = now() + interval '1 h' WHERE id IN"
                " (SELECT id FROM publications WHERE status = 'publishing'"
                " ORDER BY user_id, id LIMIT :at_work)"
            ),
            {"at_work": AT_WORK},
        )
    backlog = await costs(own_db, anew=False)
    assert backlog["next in turn"].rows < 3 * AT_WORK
    assert backlog["next in turn"].buffers < 100 * AT_WORK


async def test_waits_for_a_later_attempt_are_passed_over_in_the_index(
    own_db: AsyncEngine, crowd: Crowd
) -> None:
    await crowd.publications("retry", 10_000, status="publishing", ahead=DAY)
    waiting = await costs(own_db)
    for name in STATEMENTS:
        assert waiting[name].rows == 0, name
        assert waiting[name].buffers < 200, name


async def test_a_claim_counts_no_more_of_an_account_than_it_may_have(own_db: AsyncEngine) -> None:
    crowd = Crowd(own_db, 1)
    await crowd.connect()
    await crowd.publications("past", 50_000, status="published")
    await crowd.publications("due", DUE, status="publishing", ahead=-SECOND)
    async with own_db.begin() as connection:
        await connection.execute(
            text(
                "UPDATE publications SET fence = 1, first_claimed_at = now() - interval '1 s' * n"
                " FROM (SELECT id, row_number() OVER () AS n FROM publications"
                " WHERE status = 'published') AS past WHERE past.id = publications.id"
            )
        )
        await connection.execute(text("UPDATE publications SET due_at = NULL WHERE fence = 1"))
    async with own_db.connect() as connection:
        await connection.commit()
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE publications"))
    async with own_db.connect() as connection:
        due = DueRows(connection)
        next_id = await due.next_in_turn(Platform.VK, "", quarantine=POLICY.quarantine)
        assert next_id is not None
        # Within a day there is more than the limit, within an hour less.
        for within, most in ((DAY, 200), (DAY / 24, 5_000)):
            with statements(own_db) as sent:
                claimed = await due.claim(
                    next_id,
                    lease=POLICY.lease,
                    quarantine=POLICY.quarantine,
                    burst=Burst(most, within),
                )
            assert (claimed is None) is (most == 200)
            assert len(sent) == 1
            await connection.rollback()
            read = await cost(connection, sent[0], of=("publications",))
            assert read.scans <= {"Index Scan", "Index Only Scan"}
            assert read.rows <= min(most, within / SECOND) + 2
            assert read.buffers < 200


PAUSE = "INSERT INTO pauses (scope, id, paused_by) "
HELD = 10_000
PAGES = HELD * 2 // 100
"""Of an index with two kinds of them."""


@pytest.mark.parametrize(
    ("what", "read"),
    [
        ("VALUES ('platform', 'vk', 'olga')", 0),
        ("SELECT 'connection', id, 'burst' FROM connections", 2 * HELD),
        ("SELECT 'user', user_id, 'olga' FROM connections", 2 * HELD),
    ],
    ids=["platform", "connections", "users"],
)
async def test_what_is_paused_is_passed_over_in_the_index(
    own_db: AsyncEngine, crowd: Crowd, what: str, read: int
) -> None:
    """However much of it is due: to start, to call for, and to claim."""
    await crowd.publications("scheduled", HELD, ahead=-SECOND)
    await crowd.publications("uncalled", HELD, status="publishing", ahead=-SECOND)
    await crowd.publications("called", HELD, status="publishing", ahead=-SECOND, called=True)
    async with own_db.begin() as connection:
        await connection.execute(text(PAUSE + what))
    await vacuum(own_db)
    held = await costs(own_db)
    for name in STATEMENTS:
        assert held[name].rows <= read, name
        assert held[name].buffers < (4 * PAGES if read else 50), (name, held[name].buffers)


async def test_what_is_seen_to_while_paused_is_found_among_what_is_not(
    own_db: AsyncEngine, crowd: Crowd
) -> None:
    await crowd.publications("called", HELD, status="publishing", ahead=-SECOND, called=True)
    async with own_db.begin() as connection:
        await connection.execute(text(PAUSE + "VALUES ('platform', 'vk', 'olga')"))
        wanted = await connection.execute(
            text(
                "UPDATE publications SET cancel_requested = true WHERE id ="
                " (SELECT max(id::text)::uuid FROM publications) RETURNING id"
            )
        )
        asked_for = wanted.scalar_one()
    await vacuum(own_db)
    async with own_db.connect() as connection:
        due = DueRows(connection)
        found = await due.next_in_turn(Platform.VK, "", quarantine=POLICY.quarantine)
    assert found == asked_for
    held = await costs(own_db)
    assert held["next in turn"].rows <= 2
    assert held["next in turn"].buffers < 50


async def test_of_those_that_rest_no_more_is_read_than_the_index(
    own_db: AsyncEngine, crowd: Crowd
) -> None:
    await crowd.publications("called", HELD, status="publishing", ahead=-SECOND, called=True)
    async with own_db.begin() as connection:
        await connection.execute(
            text("UPDATE connections SET rest_until = now() + interval '1 hour'")
        )
    await vacuum(own_db)
    held = await costs(own_db)
    for name in STATEMENTS:
        assert held[name].rows <= 2 * HELD, name
        assert held[name].buffers < 4 * PAGES + 2 * HELD // 10, (name, held[name].buffers)


async def vacuum(db: AsyncEngine) -> None:
    """As PostgreSQL does by itself: what has long been waiting is known to all."""
    pages = text("SELECT relpages - relallvisible FROM pg_class WHERE relname = 'publications'")
    async with db.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")

        async def all_seen() -> bool:  # its own vacuum may be at it, and keeps others from it
            await connection.execute(text("VACUUM ANALYZE publications"))
            return bool((await connection.execute(pages)).scalar_one() <= FEW)

        await eventually(all_seen)
