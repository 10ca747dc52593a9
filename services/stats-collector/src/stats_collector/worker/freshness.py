"""Tells again and again how fresh the numbers are. Every replica tells the same."""

import asyncio
from collections.abc import Collection

from common.contracts.words import Platform
from common.observe import logs
from common.resting import rest
from stats_collector.app.ports import WritingTransaction
from stats_collector.app.tell_freshness import forget_freshness, tell_freshness

EVERY_SECONDS = 30.0
log = logs.get(__name__)


async def keep_telling(
    platforms: Collection[Platform], transaction: WritingTransaction, stop: asyncio.Event
) -> None:
    """Until told to stop; a fault of the database costs the numbers, no more."""
    stale = frozenset[Platform]()
    while not stop.is_set():
        try:
            stale = await tell_freshness(platforms, transaction, stale)
        except Exception as error:  # noqa: BLE001 - the loop outlives every fault of its servers
            log.warning("stats_freshness_unknown", error=type(error).__name__)
            forget_freshness(platforms)
        await rest(EVERY_SECONDS, stop)
