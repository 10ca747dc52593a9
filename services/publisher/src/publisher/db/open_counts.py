"""Counts the publications that have not ended, for dashboards and alerts."""

import asyncio
from contextlib import suppress

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from common.contracts.words import Platform
from common.observe import logs, metrics
from publisher.db.tables import publications
from publisher.domain.states import Status

EVERY_SECONDS = 15.0
OPEN = (Status.SCHEDULED, Status.PUBLISHING, Status.UNCERTAIN)
log = logs.get(__name__)


async def tell_open(engine: AsyncEngine, stop: asyncio.Event) -> None:
    """Count again and again until told to stop; a fault of the database costs one count."""
    while not stop.is_set():
        try:
            await _tell(engine)
        except Exception as error:  # noqa: BLE001 - the next round may find the server back
            log.warning("open_count_unknown", error=type(error).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY_SECONDS):
                await stop.wait()


async def _tell(engine: AsyncEngine) -> None:
    kind = (publications.c.platform, publications.c.status)
    counting = select(*kind, func.count()).where(publications.c.status.in_(OPEN)).group_by(*kind)
    async with engine.connect() as connection:
        found = {(row[0], row[1]): row[2] for row in await connection.execute(counting)}
    for platform in Platform:
        for status in OPEN:
            count = found.get((platform, status), 0)
            metrics.PUBLICATIONS_OPEN.labels(platform, status).set(count)
