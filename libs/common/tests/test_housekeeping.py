"""What nobody asks for again is forgotten, and nothing else."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from common.db import housekeeping
from common.db.unit_of_work import ANSWERS, INBOX, OUTBOX
from common.ids import new_id

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)
OLD, FRESH = housekeeping.KEEP + MINUTE, housekeeping.KEEP - MINUTE
FILL: dict[str, dict[str, Any]] = {
    OUTBOX.name: {"routing_key": "PlanChanged.v1", "body": {}},
    INBOX.name: {"consumer": "listener.plans"},
    ANSWERS.name: {"user_id": "u", "route": "POST /", "body_hash": b"", "status": 1, "answer": {}},
}
KEYS = {OUTBOX.name: "id", INBOX.name: "message_id", ANSWERS.name: "key"}


async def add(engine: AsyncEngine, age: Any, rows: int, ago: timedelta) -> None:
    """So many rows, which that was `ago`."""
    key = KEYS[age.table.name]
    values = [
        {**FILL[age.table.name], key: str(new_id()) if key == "key" else new_id()}
        for _ in range(rows)
    ]
    async with engine.begin() as connection:
        await connection.execute(insert(age.table), values)
        aged = update(age.table).where(age > func.now() - MINUTE)
        if age.table is OUTBOX:
            aged = update(OUTBOX).where(OUTBOX.c.sent_at.is_(None))
        await connection.execute(aged.values({age.name: func.now() - ago}))


async def count(engine: AsyncEngine, table: Any) -> int:
    async with engine.connect() as connection:
        found: int = (
            await connection.execute(select(func.count()).select_from(table))
        ).scalar_one()
        return found


each = pytest.mark.parametrize("age", housekeeping.AGES, ids=lambda age: age.table.name)


@each
async def test_what_is_older_than_a_week_is_forgotten_and_what_is_younger_stays(
    engine: AsyncEngine, age: Any
) -> None:
    await add(engine, age, 3, OLD)
    await add(engine, age, 2, FRESH)
    await housekeeping.forget(engine, age)
    assert await count(engine, age.table) == 2


@each
async def test_it_goes_on_until_nothing_old_is_left(
    engine: AsyncEngine, age: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 10)
    await add(engine, age, 35, OLD)
    await housekeeping.forget(engine, age)
    assert await count(engine, age.table) == 0


@each
async def test_who_does_it_at_the_same_time_takes_other_rows_and_waits_for_nobody(
    engine: AsyncEngine, age: Any
) -> None:
    await add(engine, age, 5, OLD)
    async with engine.begin() as other:
        await other.execute(select(age.table).limit(2).with_for_update())
        await asyncio.wait_for(housekeeping.forget(engine, age), timeout=10)
        assert await count(engine, age.table) == 2
    await housekeeping.forget(engine, age)
    assert await count(engine, age.table) == 0


async def test_what_was_not_sent_is_never_forgotten(engine: AsyncEngine) -> None:
    await add(engine, OUTBOX.c.sent_at, 1, OLD)
    async with engine.begin() as connection:
        await connection.execute(
            update(OUTBOX).values(sent_at=None, created_at=func.now() - 10 * OLD)
        )
    await housekeeping.forget(engine, OUTBOX.c.sent_at)
    assert await count(engine, OUTBOX) == 1
