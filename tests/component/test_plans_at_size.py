"""No question reads a large table whole: what PostgreSQL plans for the statements as they are sent.

How much the queue's statements read is asked in services/publisher/tests/test_due_plans.py, how
much those over samples read in services/stats-collector/tests/test_plans.py.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench.size import questions
from bench.size.filling import BUSY, OLD, Size, fill_publisher, fill_stats, gather, past
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import publisher
import stats_collector
from common.db import housekeeping
from common.db.engine import async_url
from common.db.relay import BATCH, Fact, Relay
from publisher.db.uow import PublisherUow
from publisher.domain.states import Status
from stats_collector.db.uow import ReadingUow
from support.plans import cost, statements
from support.servers import NewDatabase, owners

pytestmark = pytest.mark.anyio
SIZE = Size(publications=50_000, users=487, busy=500, posts=500, past=50_000)
OLD_ROWS = 10_000
LARGE = ("publications", "timeline", "samples", "watches", "outbox", "inbox", "answers")
FEW = (
    *("publications_one_active", "publications_scheduled", "publications_uncalled"),
    *("publications_in_turn", "outbox_unsent"),
)
"""Indexes that hold only what has not ended: they may be read from one end to the other."""
Plan = dict[str, Any]


@dataclass
class Filled:
    """Both databases, as their owner sees them."""

    publisher: AsyncEngine
    stats: AsyncEngine


@pytest.fixture(scope="module")
def urls(new_database: NewDatabase) -> list[str]:
    """Those of the owners, who may have statistics gathered."""
    return [
        owners(new_database(package.__name__, Path(str(package.__file__)).parent / "db/migrations"))
        for package in (publisher, stats_collector)
    ]


@pytest.fixture(scope="module")
async def filled(urls: list[str]) -> AsyncIterator[Filled]:
    """Most of it ended long ago."""
    await fill_publisher(urls[0], SIZE)
    await fill_stats(urls[1], SIZE)
    engines = [create_async_engine(async_url(SecretStr(one))) for one in urls]
    yield Filled(*engines)
    for one in engines:
        await one.dispose()


class Undone(Exception):
    """Nothing of it stays."""


async def whole(db: AsyncEngine, uow: Any, ask: Callable[[Any], Awaitable[Any]]) -> list[str]:
    """The large tables that the statements of this question read whole."""
    with statements(db) as sent, suppress(Undone):
        async with uow:
            await ask(uow)
            raise Undone
    assert sent
    return await read_whole(db, sent)


async def read_whole(db: AsyncEngine, sent: list[tuple[str, Any]]) -> list[str]:
    found = []
    async with db.connect() as connection:
        for statement, values in sent:
            one = values[0] if isinstance(values, list) else values
            told = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", one)
            [plan] = told.scalar_one()
            found += [_named(node) for node in _nodes(plan["Plan"]) if _is_whole(node)]
    return found


def _nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def _named(node: Plan) -> str:
    where = node.get("Index Name") or node.get("Relation Name")
    return f"{node['Node Type']} {where}"


def _is_whole(node: Plan) -> bool:
    """An index that is read without a condition is the table in another order."""
    if "Index Name" in node:
        large = node["Index Name"].startswith(LARGE)
        return large and "Index Cond" not in node and node["Index Name"] not in FEW
    return node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE


@pytest.mark.parametrize("user", [questions.USER, BUSY])
async def test_a_page_of_a_list_is_found_by_its_user(filled: Filled, user: str) -> None:
    db = filled.publisher
    async with db.connect() as connection:
        of = await questions.known(connection, user)
    for name, ask in questions.lists(of).items():
        assert await whole(db, PublisherUow(db), ask) == [], name


async def test_one_publication_is_found_by_its_id(filled: Filled) -> None:
    db = filled.publisher
    async with db.connect() as connection:
        of = await questions.known(connection, questions.USER)
    for name, ask in questions.of_person(of).items():
        assert await whole(db, PublisherUow(db), ask) == [], name


async def test_a_claim_reads_what_is_due_and_of_its_account_what_was_claimed(
    filled: Filled,
) -> None:
    db = filled.publisher
    assert await whole(db, PublisherUow(db), questions.claim) == []


async def test_news_of_a_neighbour_reads_the_publications_of_its_user_or_account(
    filled: Filled,
) -> None:
    db = filled.publisher
    async with db.connect() as connection:
        of = await questions.known(connection, questions.USER)
    status = (Status.SCHEDULED, Status.PUBLISHING)
    asks: dict[str, Callable[[PublisherUow], Awaitable[Any]]] = {
        "plan": lambda uow: uow.publications.under_way(*status, user_id=of.user),
        "account": lambda uow: uow.publications.under_way(*status, connection_id=of.connection_id),
        "numbers": lambda uow: uow.publications.remember_stats(of.middle, 8, views=1),
        "stream": lambda uow: uow.publications.changed_since(
            of.user, of.created_at, beyond=of.middle, limit=100
        ),
    }
    for name, ask in asks.items():
        assert await whole(db, PublisherUow(db), ask) == [], name


async def test_numbers_are_found_by_their_post_and_sums_by_their_user(filled: Filled) -> None:
    db = filled.stats
    async with db.connect() as connection:
        of = await questions.watched(connection)
    for name, ask in questions.of_stats(of).items():
        assert await whole(db, ReadingUow(db), ask) == [], name


@pytest.mark.parametrize("age", housekeeping.AGES, ids=lambda age: age.table.name)
async def test_what_is_forgotten_is_found_by_its_age(filled: Filled, age: Any) -> None:
    """Also when there is much of it, because it was not done for long."""
    async with filled.publisher.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await past(driver, age.table.name, OLD_ROWS, OLD)
    await gathered(filled)
    with statements(filled.publisher) as sent:
        await housekeeping.forget(filled.publisher, age)
    assert len(sent) == OLD_ROWS // housekeeping.BATCH + 1
    assert await read_whole(filled.publisher, sent[:1]) == []


async def test_a_relay_takes_the_oldest_of_a_long_line_without_reading_all_of_it(
    filled: Filled, urls: list[str]
) -> None:
    async def confirmed(facts: Sequence[Fact]) -> Sequence[None]:
        """By a broker that is back."""
        return [None] * len(facts)

    async with filled.publisher.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO outbox (id, routing_key, body)"
                " SELECT gen_random_uuid(), 'late', '{}' FROM generate_series(1, 20000)"
            )
        )
    await gathered(filled)
    with statements(filled.publisher) as sent:
        taken = await Relay(filled.publisher, SecretStr(urls[0]), confirmed).send_batch()
    async with filled.publisher.connect() as connection:
        lease = await cost(connection, sent[0], of=["outbox"])
    async with filled.publisher.begin() as connection:
        await connection.execute(text("DELETE FROM outbox WHERE routing_key = 'late'"))
    await gathered(filled)
    assert taken == BATCH
    assert lease.rows <= 3 * BATCH, "those taken a moment ago, those now, and these once more by id"


async def gathered(filled: Filled) -> None:
    """Statistics as they are once PostgreSQL has looked."""
    async with filled.publisher.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await gather(driver)


async def test_what_waits_in_the_outbox_is_counted_without_what_was_sent(filled: Filled) -> None:
    with statements(filled.publisher) as sent:
        await housekeeping.count_outbox(filled.publisher)
    assert await read_whole(filled.publisher, sent) == []
