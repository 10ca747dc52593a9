"""How much the statements read: what the answer needs, however many samples others have.

The figures are PostgreSQL's own (EXPLAIN ANALYZE), so a busy machine changes none of them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from pydantic import SecretStr
from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from common.contracts.words import Platform
from common.db.engine import async_url
from stats_collector.db.samples import Samples
from stats_collector.db.watches import Watches
from stats_collector.domain.series import Resolution, Series
from stats_collector.domain.summary import Grouping, Period
from stats_collector.http.export import PAGE
from stats_collector.settings import NAME
from support.plans import Cost, cost, statements
from support.servers import NewDatabase, owners

from .conftest import MIGRATIONS
from .crowd import Crowd

pytestmark = pytest.mark.anyio
USER, ZONE = "mine0", "Europe/Moscow"
POSTS, EACH = 60, 130
"""What the user has: one account, whose posts are all due."""
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LIMIT = 51
INDEXES = 6
"""What is claimed is written to all indexes of watches, the way down which is read."""
A_DAY = 8
"""Samples of a day."""


@dataclass
class Asked:
    """The repositories, and one of the user's posts in the middle of the rest."""

    watches: Watches
    samples: Samples
    post: Any
    middle: datetime
    period: Period


class Ask(NamedTuple):
    """What is asked, and at most how many rows of the tables the answer takes."""

    ask: Callable[[Asked], Awaitable[Any]]
    rows: int
    sent: int = 0
    """Which of the statements that are sent is meant."""
    levels: int = 2 * POSTS
    """How many more pages it reads because indexes of a million have a level more."""


def _series(resolution: Resolution, *, deep: bool) -> Ask:
    series = Series(resolution, ZONE)
    rows = LIMIT if resolution is Resolution.EVERY else EACH
    return Ask(
        lambda on: on.samples.page(on.post, series, after=on.middle if deep else None, limit=LIMIT),
        rows,
    )


def _summary(grouping: Grouping) -> Ask:
    return Ask(
        lambda on: on.samples.summary(USER, on.period, grouping, after=None, limit=201),
        POSTS * EACH + 2 * POSTS,
    )


def _claim(sent: int) -> Ask:
    return Ask(
        lambda on: on.watches.claim(Platform.VK, 200, timedelta(minutes=1)),
        rows=(1, 2 * POSTS)[sent],
        sent=sent,
        levels=INDEXES * POSTS,
    )


ASKS = {
    "watch": Ask(lambda on: on.watches.get(on.post, USER), 1),
    **{
        f"{resolution} {'deep' if deep else 'first'}": _series(resolution, deep=deep)
        for resolution in Resolution
        for deep in (False, True)
    },
    **{f"summary by {grouping}": _summary(grouping) for grouping in Grouping},
    "summary of a day": Ask(
        lambda on: on.samples.summary(
            USER, Period(on.middle, on.middle + DAY, ZONE), Grouping.DAY, after=None, limit=201
        ),
        POSTS * A_DAY + 2 * POSTS,
    ),
    "export first": Ask(
        lambda on: on.samples.export(USER, after=None, limit=PAGE), PAGE + 2 * EACH
    ),
    "export deep": Ask(
        lambda on: on.samples.export(USER, after=(on.post, on.middle), limit=PAGE), PAGE + 2 * EACH
    ),
    "claim whose turn it is": _claim(0),
    "claim its posts": _claim(1),
}


async def costs(db: AsyncEngine, *, small: bool = False) -> dict[str, Cost]:
    """Of each statement as the code sends it; nothing is changed."""
    async with db.connect() as connection:
        asked = await _asked(connection)
        found = {}
        for name, ask in ASKS.items():
            with statements(db) as sent:
                assert await ask.ask(asked), name
            await connection.rollback()
            found[name] = await cost(
                connection, sent[ask.sent], of=("samples", "watches"), small=small
            )
        return found


async def _asked(connection: AsyncConnection) -> Asked:
    found = await connection.execute(
        text(
            "SELECT publication_id, published_at FROM watches WHERE user_id = :user"
            " ORDER BY publication_id OFFSET :half LIMIT 1"
        ),
        {"user": USER, "half": POSTS // 2},
    )
    post, published_at = found.one()
    now = datetime.now(UTC)
    return Asked(
        watches=Watches(connection, func.now()),
        samples=Samples(connection),
        post=post,
        middle=published_at + 5 * DAY,
        period=Period(now - 30 * DAY, now, ZONE),
    )


Costs = tuple[dict[str, Cost], dict[str, Cost]]


@pytest.fixture(scope="module")
def own_url(new_database: NewDatabase) -> str:
    """Its owner may have statistics gathered."""
    return owners(new_database(NAME, MIGRATIONS))


@pytest.fixture(scope="module")
async def compared(own_url: str) -> AsyncIterator[Costs]:
    """Beside few rows of others, and beside a million."""
    db = create_async_engine(async_url(SecretStr(own_url)))
    crowd = Crowd(db)
    await crowd.add("mine", users=1, posts=POSTS, samples=EACH, ahead=-2 * SECOND)
    await crowd.add("few", users=2, posts=5, samples=EACH, ahead=DAY)
    await gather(db)
    few = await costs(db, small=True)
    await crowd.add("late", users=100, posts=100, samples=0, ahead=-SECOND)
    await crowd.ended(USER, posts=5000)
    await crowd.add("many", users=199, posts=39, samples=EACH, ahead=DAY)
    await gather(db)
    yield few, await costs(db)
    await db.dispose()


async def gather(db: AsyncEngine) -> None:
    """What autovacuum does in time."""
    async with db.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await plain.execute(
            text("VACUUM (ANALYZE, INDEX_CLEANUP ON) samples, watches, connections")
        )


@pytest.mark.parametrize("name", ASKS)
async def test_a_million_samples_of_others_slow_nothing_down(compared: Costs, name: str) -> None:
    few, many = (found[name] for found in compared)
    assert not any("Seq Scan" in scan for scan in many.scans), many.scans
    assert many.rows <= ASKS[name].rows
    allowed = 1.3 * few.buffers + ASKS[name].levels
    assert many.buffers <= allowed, (few.buffers, many.buffers)
