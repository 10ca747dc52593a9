"""Forgets what nobody will ask for again, and keeps count of what waits in the outbox."""

import asyncio
import time
from datetime import timedelta

from sqlalchemy import Column, delete, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from common.db.unit_of_work import ANSWERS, INBOX, OUTBOX
from common.observe import logs, metrics

KEEP = timedelta(days=7)
BATCH = 5_000
COUNT_SECONDS = 15.0
FORGET_SECONDS = 3600.0
AGES: tuple[Column[object], ...] = (OUTBOX.c.sent_at, INBOX.c.seen_at, ANSWERS.c.created_at)
"""The column of each table that tells how old a row is; each is indexed."""

log = logs.get(__name__)


async def keep_house(engine: AsyncEngine) -> None:
    """Until cancelled; a fault of the database costs one round."""
    forget_at = time.monotonic()
    while True:
        try:
            await count_outbox(engine)
            if time.monotonic() >= forget_at:
                forget_at = time.monotonic() + FORGET_SECONDS
                for age in AGES:
                    await forget(engine, age)
        except Exception as error:  # noqa: BLE001 - the process has more important work
            log.warning("housekeeping_error", error=type(error).__name__)
        await asyncio.sleep(COUNT_SECONDS)


async def count_outbox(engine: AsyncEngine) -> None:
    """How many facts wait, and since when."""
    age = func.extract("epoch", func.now() - func.min(OUTBOX.c.created_at))
    waiting = select(func.count(), age).where(OUTBOX.c.sent_at.is_(None))
    async with engine.connect() as connection:
        unsent, oldest = (await connection.execute(waiting)).one()
    metrics.OUTBOX_UNSENT.set(unsent)
    metrics.OUTBOX_OLDEST.set(oldest or 0)


async def forget(engine: AsyncEngine, age: Column[object]) -> None:
    """Delete old rows in batches, each a short transaction of its own."""
    table = age.table
    keys = list(table.primary_key.columns)
    while True:
        old = select(*keys).where(age < func.now() - KEEP).limit(BATCH).subquery()
        same = [key == old.c[key.name] for key in keys]
        async with engine.begin() as connection:
            gone = await connection.execute(delete(table).where(*same))
        if gone.rowcount < BATCH:
            return
