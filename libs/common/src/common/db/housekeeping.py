"""Forgets what nobody will ask for again, and keeps count of what waits in the outbox."""

import asyncio
import time
from datetime import timedelta

from sqlalchemy import Column, ColumnElement, any_, delete, func, literal_column, select
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
    """Delete old rows in batches, each a short transaction of its own, whoever else does it."""
    # By their places: joined by their keys, PostgreSQL would read the whole table for each batch.
    place: ColumnElement[object] = literal_column("ctid")
    old = (
        select(place)
        .select_from(age.table)
        .where(age < func.now() - KEEP)
        .order_by(age)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    forgetting = delete(age.table).where(place == any_(func.array(old.scalar_subquery())))
    while True:
        async with engine.begin() as connection:
            gone = await connection.execute(forgetting)
        if gone.rowcount < BATCH:
            return
