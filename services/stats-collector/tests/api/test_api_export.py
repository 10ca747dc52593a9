"""The export as CSV: whole, in order, safe in a spreadsheet, and no burden while it is read."""

import csv
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from datetime import datetime
from functools import partial

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from common.contracts.words import Platform
from stats_collector.db.uow import ReadingUow
from stats_collector.domain.watch import Watch
from stats_collector.http import export
from stats_collector.http.export import COLUMNS, PAGE, pages
from stats_collector.settings import NAME
from support.servers import owners
from support.waiting import eventually

from .book import ANNA, BORIS, DAY, NOON, Book

pytestmark = pytest.mark.anyio
FORMULA = "=1+1"
SAFE = re.compile(r"[\w.:-]*", re.ASCII)
"""Nothing that a spreadsheet would calculate, or that needs quotes."""

LEAVERS = 25
READING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1
    AND query_start > $2 AND wait_event_type = 'Lock'
"""


def rows_of(answer: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer)))


async def test_the_export_holds_every_sample_and_leaves_empty_what_nobody_told(
    api: httpx.AsyncClient, book: Book
) -> None:
    watch = await book.watch(platform=Platform.RUTUBE)
    await book.sample(watch, NOON, 10, likes=0)
    await book.sample(watch, NOON + DAY, None, gone=True)
    await book.sample(await book.watch(BORIS), NOON, 1000)
    answer = await api.get("/v1/stats/export.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = rows_of(answer.text)
    assert rows[0] == {
        "publication_id": str(watch.publication_id),
        "platform": "rutube",
        "connection_id": str(watch.connection_id),
        "at": "2026-11-10T12:00:00Z",
        "source": "video.get",
        "views": "10",
        "likes": "0",
        "shares": "",
        "comments": "",
        "gone": "false",
        "processing": "false",
        "comparable": "true",
    }
    assert [(row["views"], row["gone"]) for row in rows] == [("10", "false"), ("", "true")]


async def test_an_export_of_several_pages_comes_whole_and_in_order(
    api: httpx.AsyncClient, book: Book
) -> None:
    count = PAGE // 2 + 1
    for _ in range(2):
        watch = await book.watch()
        await book.many(watch, count)
    rows = rows_of((await api.get("/v1/stats/export.csv")).text)
    assert [int(row["views"]) for row in rows] == [*range(count), *range(count)]
    assert len({(row["publication_id"], row["at"]) for row in rows}) == 2 * count


@pytest.mark.parametrize("count", [2, 3, 4])
async def test_a_page_that_is_just_full_ends_as_it_should(
    api: httpx.AsyncClient, book: Book, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    await book.many(await book.watch(), count)
    rows = rows_of((await api.get("/v1/stats/export.csv")).text)
    assert [int(row["views"]) for row in rows] == [*range(count)]


async def test_no_cell_is_a_formula_whatever_people_and_platforms_wrote(
    api: httpx.AsyncClient, book: Book
) -> None:
    texts = [field.name for field in fields(Watch) if field.type is str and field.name != "user_id"]
    assert {"account_id", "post_id"} <= {*texts}
    watch = await book.watch(**dict.fromkeys(texts, FORMULA), source=FORMULA)
    await book.sample(watch, NOON, -5, likes=None)
    answer = (await api.get("/v1/stats/export.csv")).text
    assert FORMULA not in answer
    [row] = rows_of(answer)
    assert all(SAFE.fullmatch(cell) for cell in row.values())
    # A number below zero is a number, and no sign but that may stand first.
    assert [name for name in COLUMNS if not row[name][:1].isalnum()] == [
        "views",
        *(name for name in COLUMNS if row[name] == ""),
    ]
    assert asdict(watch)["post_id"] == FORMULA


class Watched:
    """Transactions whose beginnings and ends are counted."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.begun = self.open = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[ReadingUow]:
        async with ReadingUow(self._engine) as uow:
            self.begun += 1
            self.open += 1
            try:
                yield uow
            finally:
                self.open -= 1


async def test_between_two_pages_no_transaction_is_open(
    engine: AsyncEngine, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    await book.many(await book.watch(), 5)
    watched = Watched(engine)
    open_ones, begun = [], []
    async for _ in pages(watched.transaction, ANNA):
        open_ones.append(watched.open)
        begun.append(watched.begun)
    assert open_ones == [0, 0, 0, 0]
    assert begun == [0, 1, 2, 3]  # a page is read when the one before was taken


async def test_readers_that_go_away_while_it_reads_leave_nothing_behind(
    api: httpx.AsyncClient, book: Book, migrated_url: str
) -> None:
    """More of them than the service has connections to its database."""
    await book.sample(await book.watch(), NOON, 10)
    owner = await asyncpg.connect(owners(migrated_url))
    onlooker = await asyncpg.connect(migrated_url)

    async def reading(since: datetime) -> bool:
        return await onlooker.fetchval(READING, NAME, since) > 0

    try:
        async with owner.transaction():
            await owner.execute("LOCK TABLE samples IN ACCESS EXCLUSIVE MODE")
            for _ in range(LEAVERS):
                before = await onlooker.fetchval("SELECT clock_timestamp()")
                async with api.stream("GET", "/v1/stats/export.csv") as answer:
                    assert answer.status_code == 200
                    await eventually(partial(reading, before))
    finally:
        await owner.close()
        await onlooker.close()
    assert len(rows_of((await api.get("/v1/stats/export.csv")).text)) == 1
