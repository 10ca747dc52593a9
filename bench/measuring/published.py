"""When publications were claimed and when they were published, by publisher's own timeline."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

LINES = """
SELECT min(at) FILTER (WHERE kind = 'claimed') AS claimed,
    min(at) FILTER (WHERE timeline.status = 'published') AS published
FROM timeline JOIN publications ON publications.id = publication_id
WHERE clip_id LIKE $1 || '%' AND publications.status = 'published' GROUP BY publication_id
"""
LOOK_SECONDS = 0.25


class NotMeasured(Exception):
    """Why a round says nothing."""


@dataclass(frozen=True, slots=True)
class InHand:
    """One publication's time with a worker."""

    claimed: datetime
    published: datetime

    @property
    def seconds(self) -> float:
        return (self.published - self.claimed).total_seconds()


async def all_published(
    database: str, clip: str, publications: int, deadline: datetime
) -> list[InHand]:
    """Those whose clip is named so, once so many are published. Raises NotMeasured."""
    link = await asyncpg.connect(database)
    try:
        while True:
            found = await link.fetch(LINES, clip)
            if len(found) == publications:
                return [InHand(**one) for one in found]
            if datetime.now(UTC) > deadline:
                raise NotMeasured(f"only {len(found)} of {publications} were published in time")
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await link.close()


def length(found: Sequence[InHand]) -> float:
    """Seconds from the first claim to the last post."""
    last = max(one.published for one in found)
    return (last - min(one.claimed for one in found)).total_seconds()
