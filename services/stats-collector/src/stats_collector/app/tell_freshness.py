"""How many posts have numbers as fresh as STATS_EVERY promises; a line only when that changes."""

from collections.abc import Iterable

from common.contracts.words import Platform
from common.observe import logs, metrics
from stats_collector.app.ports import Freshness, WritingTransaction

ENOUGH = 0.95
"""The share of fresh posts below which a platform is stale; the alert StatsStale has the same."""
FEWEST = 20
"""Of fewer watched posts, one that fails would pass for the platform; StatsStale has the same."""
NOTHING = Freshness(watched=0, fresh=0)
log = logs.get(__name__)


async def tell_freshness(
    platforms: Iterable[Platform], transaction: WritingTransaction, stale: frozenset[Platform]
) -> frozenset[Platform]:
    """Set the gauges of all `platforms`. `stale` are those that were so before; returns those that
    are now. A platform of which fewer than FEWEST posts are watched is not stale."""
    async with transaction() as uow:
        found = await uow.watches.freshness(uow.policy.schedule)
    now = set[Platform]()
    for platform in platforms:
        counted = found.get(platform, NOTHING)
        metrics.STATS_WATCHED.labels(platform).set(counted.watched)
        metrics.STATS_FRESH.labels(platform).set(counted.fresh)
        if counted.watched >= FEWEST and counted.fresh / counted.watched < ENOUGH:
            now.add(platform)
        _say(platform, counted, before=platform in stale, now=platform in now)
    return frozenset(now)


def forget_freshness(platforms: Iterable[Platform]) -> None:
    """Nobody knows: no number is better than an old one."""
    for platform in platforms:
        metrics.STATS_WATCHED.remove(platform)
        metrics.STATS_FRESH.remove(platform)


def _say(platform: Platform, counted: Freshness, *, before: bool, now: bool) -> None:
    numbers = {"platform": platform, "watched": counted.watched, "fresh": counted.fresh}
    if now and not before:
        log.warning("stats_stale", **numbers)
    elif before and not now:
        log.info("stats_fresh_again", **numbers)
