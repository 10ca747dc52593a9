"""What a statement reads, as PostgreSQL counts it: a busy machine changes none of the figures."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.db.statement import Statement

WHOLE = ("seqscan", "hashjoin", "mergejoin")
"""The ways that pay for a table of few rows only."""


@contextmanager
def statements(db: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database meanwhile: the SQL and its parameters."""
    sent: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    async def run(self: Statement, connection: AsyncConnection, values: Any = None) -> Any:
        sql, given = self.bound(values or {})
        sent.append((sql, tuple(given)))
        return await past_sqlalchemy(self, connection, values)

    past_sqlalchemy = Statement.run
    event.listen(db.sync_engine, "before_cursor_execute", keep)
    Statement.run = run  # type: ignore[method-assign]
    yield sent
    Statement.run = past_sqlalchemy  # type: ignore[method-assign]
    event.remove(db.sync_engine, "before_cursor_execute", keep)


class Cost:
    """What one statement read of some tables, and in how many pages."""

    def __init__(self, plan: dict[str, Any], tables: Collection[str]) -> None:
        scans = [one for one in _nodes(plan) if one.get("Relation Name") in tables]
        scans = [one for one in scans if one["Actual Loops"] and one["Node Type"] != "ModifyTable"]
        self.scans = {one["Node Type"] for one in scans}
        self.rows = sum(
            (one["Actual Rows"] + one.get("Rows Removed by Filter", 0)) * one["Actual Loops"]
            for one in scans
        )
        self.buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


async def cost(
    connection: AsyncConnection,
    sent: tuple[str, Any],
    *,
    of: Collection[str],
    small: bool = False,
) -> Cost:
    """Of a statement as it was sent; what it does is taken back. `small` tables would be read
    whole, which compares with nothing."""
    statement, values = sent
    if small:
        for way in WHOLE:
            await connection.execute(text(f"SET LOCAL enable_{way} = off"))
    explained = await connection.exec_driver_sql(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values
    )
    [plan] = explained.scalar_one()
    await connection.rollback()
    return Cost(plan["Plan"], of)
