"""The export as CSV, page by page: a slow reader holds neither a transaction nor memory."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import asdict

from stats_collector.app.ports import Exported, ReadingTransaction

PAGE = 1000
COUNTERS = ("views", "likes", "shares", "comments")
COLUMNS = (
    "publication_id",
    "platform",
    "connection_id",
    "at",
    "source",
    *COUNTERS,
    "gone",
    "processing",
    "comparable",
)


async def pages(transaction: ReadingTransaction, user_id: str) -> AsyncIterator[str]:
    """The header, then every sample of the user; an empty cell is a number nobody told."""
    yield _lines([list(COLUMNS)])
    after = None
    while True:
        async with transaction() as uow:
            found = await uow.samples.export(user_id, after=after, limit=PAGE)
        if found:
            yield _lines([_cells(one) for one in found])
        if len(found) < PAGE:
            return
        after = (found[-1].sample.publication_id, found[-1].sample.at)


def _cells(one: Exported) -> list[str]:
    known = asdict(one.sample) | {
        "platform": one.platform,
        "connection_id": one.connection_id,
        "at": one.sample.at.isoformat().replace("+00:00", "Z"),
    }
    return [_cell(known[name]) for name in COLUMNS]


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
