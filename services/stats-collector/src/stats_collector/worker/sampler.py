"""Keeps sampling: one loop a platform, so that a slow one never holds up another."""

import asyncio
from collections.abc import Mapping

from common.contracts.words import Platform
from common.lending import Tokens
from common.observe import logs
from common.resting import rest
from platforms.port import Stats
from stats_collector.app.collect_batch import collect_batch
from stats_collector.app.ports import WritingTransaction

POLL_SECONDS = 1.0
log = logs.get(__name__)


class Sampler:
    """Takes batch after batch while something is due, then looks again every second."""

    def __init__(
        self, stats: Mapping[Platform, Stats], tokens: Tokens, transaction: WritingTransaction
    ) -> None:
        self._stats = stats
        self._tokens = tokens
        self._transaction = transaction

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; a batch that is cut off is taken again when its lease has run out."""
        async with asyncio.TaskGroup() as group:
            for platform in self._stats:
                group.create_task(self._keep_on(platform, stop))

    async def _keep_on(self, platform: Platform, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if await self._safely(platform):
                continue
            await rest(POLL_SECONDS, stop)

    async def _safely(self, platform: Platform) -> bool:
        try:
            return await collect_batch(
                platform, self._stats[platform], self._tokens, self._transaction
            )
        except Exception as error:  # noqa: BLE001 - the loop outlives every fault of its servers
            log.warning("stats_sampler_error", platform=platform, error=type(error).__name__)
            return False
