"""Ten thousand publications that are due at once, beside a million others: when the last is called
for. And what is forgotten of outbox, inbox and answers in an hour."""

import time
from typing import Any

import asyncpg

from bench.measuring.spread import spread
from bench.size.filling import OLD, past
from bench.size.sides import Compared, Side, compare
from common.db import housekeeping
from publisher.app.start_due import BATCH, start_due
from publisher.db.uow import PublisherUow

AT_ONCE = 10_000
ROUNDS = 5
FORGOTTEN = 500
NOW_DUE = """
UPDATE publications SET schedule_at = now(), due_at = now() WHERE id IN (
    SELECT id FROM publications WHERE status = 'scheduled' AND due_at > now() LIMIT $1)
"""
CALLED = """
SELECT count(*) FILTER (WHERE status = 'publishing' AND woken_at >= $1) AS started,
    (SELECT count(*) FROM outbox WHERE sent_at IS NULL AND created_at >= $1) AS calls
FROM publications WHERE status = 'publishing'
"""


async def due_at_once(side: Side) -> dict[str, Any]:
    """Seconds from the first look until all are under way and their calls are stored; two
    processes of the clock's kind would share it, here is one."""
    link = await asyncpg.connect(side.owner_url)
    took = []
    try:
        for _ in range(ROUNDS):
            await link.execute(NOW_DUE, AT_ONCE)
            since = await link.fetchval("SELECT clock_timestamp()")
            began = time.perf_counter()
            while await _batch(side) == BATCH:
                pass
            took.append(time.perf_counter() - began)
            found = await link.fetchrow(CALLED, since)
            assert found is not None  # noqa: S101 - counts are always one row
            if tuple(found) != (AT_ONCE, AT_ONCE):
                raise RuntimeError(f"{tuple(found)} of {AT_ONCE} were started and called for")
    finally:
        await link.close()
    return {"publications": AT_ONCE, "seconds": spread(took, 3)}


async def _batch(side: Side) -> int:
    async with PublisherUow(side.engine) as uow:
        return await start_due(uow)


async def housekeeping_at_size(small: Side, large: Side) -> dict[str, dict[str, Any]]:
    """As many old rows on each side, committed; put back before each time."""
    links = {side.name: await asyncpg.connect(side.owner_url) for side in (small, large)}

    async def forgotten(side: Side, age: Any) -> float:  # noqa: ANN401 - a column of any type
        await past(links[side.name], age.table.name, FORGOTTEN, OLD)
        began = time.perf_counter()
        await housekeeping.forget(side.engine, age)
        return 1000 * (time.perf_counter() - began)

    async def counted(side: Side) -> float:
        began = time.perf_counter()
        await housekeeping.count_outbox(side.engine)
        return 1000 * (time.perf_counter() - began)

    found: dict[str, Compared] = {}
    try:
        for age in housekeeping.AGES:
            found[f"forget {age.table.name}"] = await compare(
                lambda age=age: forgotten(small, age),  # type: ignore[misc] # bound now
                lambda age=age: forgotten(large, age),  # type: ignore[misc]
            )
        found["count outbox"] = await compare(lambda: counted(small), lambda: counted(large))
    finally:
        for link in links.values():
            await link.close()
    return {name: one.told() for name, one in found.items()}
