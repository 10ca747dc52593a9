"""How fast publisher and stats-collector answer with a million rows, against a thousand.

    make bench ONLY=at_size

1,000,000 publications with 5,000,000 lines of their timelines, 1,000,000 samples and 200,000 rows
each of outbox, inbox and answers, against 1,000, 5,000, 1,000 and 1,000. Whoever asks has as many
rows on both sides; a busy user, shown apart, has 10,000 of the million and 500 of the thousand.
Both sides are asked by turns; a figure is the median of rounds, each the median of repeats. What is
asked is what the services' own repositories send, without the commit, which is the same on both
sides. Nothing else runs: no other clients, no cold caches.
"""

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import publisher
import stats_collector
from bench.measuring import machine
from bench.measuring.result import keep, tell
from bench.size import questions, sides
from bench.size.due import due_at_once, housekeeping_at_size
from bench.size.filling import BUSY, LARGE, SMALL, fill_publisher, fill_stats
from bench.size.goals import rows, table
from bench.size.sides import Side
from publisher.db.uow import PublisherUow
from servers import Servers
from stats_collector.db.uow import ReadingUow

TREE = Path(__file__).parents[1]
SIZES = {"small": SMALL, "large": LARGE}
SERVICES = {
    "publisher": (publisher, fill_publisher),
    "stats_collector": (stats_collector, fill_stats),
}


def main() -> int:
    """The command."""
    began, facts, servers = time.monotonic(), machine.facts(), Servers()
    servers.up()
    urls = {
        (service, size): sides.made(
            servers, service, Path(str(package.__file__)).parent / "db/migrations", size
        )
        for service, (package, _) in SERVICES.items()
        for size in SIZES
    }
    try:
        result = asyncio.run(_measured(urls))
    finally:
        for service, size in urls:
            sides.dropped(servers, service, size)
    seconds = round(time.monotonic() - began)
    result = {"machine": facts, "goals": rows(result), **result, "seconds": seconds}
    keep("at_size", result, table(result))
    return 0


async def _measured(urls: dict[tuple[str, str], tuple[str, str]]) -> dict[str, Any]:
    for (service, size), (_, owner) in urls.items():
        began = time.monotonic()
        await SERVICES[service][1](owner, SIZES[size])
        tell(f"{service}, {size}: filled in {time.monotonic() - began:.0f} s")
    async with AsyncExitStack() as stack:
        side = {
            key: await stack.enter_async_context(sides.opened(key[1], found))
            for key, found in urls.items()
        }
        both = side["publisher", "small"], side["publisher", "large"]
        stats = side["stats_collector", "small"], side["stats_collector", "large"]
        claims = [(one, {"claim": questions.claim}) for one in both]
        found = await sides.compare_questions(PublisherUow, *claims)
        found |= await _of_user(*both, questions.USER)
        found |= await _of_stats(*stats)
        found |= await housekeeping_at_size(*both)
        return {
            "rows": {
                name: {
                    "publications": one.publications,
                    "timeline": 5 * one.publications,
                    "samples": 100 * one.posts,
                    "outbox_inbox_answers_each": one.past,
                }
                for name, one in SIZES.items()
            },
            "rounds": sides.ROUNDS,
            "repeats": sides.REPEATS,
            "questions": found,
            "of_a_busy_user": await _of_user(*both, BUSY),
            "due_at_once": await due_at_once(both[1]),
        }


async def _of_user(small: Side, large: Side, user: str) -> dict[str, dict[str, Any]]:
    asks = []
    for one in (small, large):
        async with one.engine.connect() as connection:
            of = await questions.known(connection, user)
        asks.append((one, {**questions.lists(of), **questions.of_person(of)}))
    return await sides.compare_questions(PublisherUow, *asks)


async def _of_stats(small: Side, large: Side) -> dict[str, dict[str, Any]]:
    asks = []
    for one in (small, large):
        async with one.engine.connect() as connection:
            asks.append((one, questions.of_stats(await questions.watched(connection))))
    return await sides.compare_questions(ReadingUow, *asks)


if __name__ == "__main__":
    sys.exit(main())
