"""Gauges and log lines say how fresh the numbers are, whatever happens to the database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from pydantic import SecretStr

from common.bus import topology
from common.bus.publish import broker as connect_broker
from common.bus.subscription import queues
from common.contracts.words import Platform
from common.db.engine import connect
from common.observe import metrics
from common.pace import redis_client
from platforms.registry import adapters
from platforms.settings import PlatformUrls
from stats_collector.app import tell_freshness as app
from stats_collector.app.ports import WritingTransaction
from stats_collector.bus.subscriptions import SUBSCRIPTIONS
from stats_collector.db.uow import WritingUow
from stats_collector.settings import NAME, Settings
from stats_collector.wiring import worker_lifespan
from stats_collector.worker import freshness as loop
from support.people import JWT_SECRET
from support.servers import NewVhost
from support.stats_lab import POLICY, Lab
from support.token_lender import SECRET
from support.waiting import eventually

pytestmark = pytest.mark.anyio
WATCHED = frozenset({Platform.VK, Platform.RUTUBE, Platform.DZEN})
Line = tuple[str, str, int, int]
"""Level, event and platform, watched, fresh."""


def gauges(platform: Platform) -> tuple[float | None, float | None]:
    """Watched and fresh, as a scrape finds them."""
    labels = {"platform": platform}
    watched = REGISTRY.get_sample_value("stats_watched", labels)
    return watched, REGISTRY.get_sample_value("stats_fresh", labels)


async def told(platform: Platform, *numbers: float | None) -> None:
    """Waits for the gauges to tell this."""

    async def look() -> bool:
        return gauges(platform) == numbers

    await eventually(look)


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    metrics.STATS_WATCHED.clear()
    metrics.STATS_FRESH.clear()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """What is logged from now on."""
    logged: list[Line] = []

    class Log:
        def __getattr__(self, level: str) -> Callable[..., None]:
            return lambda name, *, platform, watched, fresh: logged.append(
                (level, f"{name} {platform}", watched, fresh)
            )

    monkeypatch.setattr(app, "log", Log())
    return logged


@asynccontextmanager
async def telling(transaction: WritingTransaction) -> AsyncIterator[None]:
    """The loop of a worker."""
    stop = asyncio.Event()
    running = asyncio.create_task(loop.keep_telling(WATCHED, transaction, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, timeout=10)


async def test_every_platform_is_told_and_telegram_is_not(lab: Lab) -> None:
    await lab.watch(lab.account(Platform.VK), "1_1")
    async with telling(lab.transaction):
        await told(Platform.VK, 1, 1)
        await told(Platform.DZEN, 0, 0)
        await told(Platform.RUTUBE, 0, 0)
    assert gauges(Platform.TELEGRAM) == (None, None)


async def test_a_database_that_is_away_leaves_no_old_number_and_costs_no_later_one(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "EVERY_SECONDS", 0.02)
    engines = {"at hand": lab.engine, "away": connect(SecretStr("postgresql://127.0.0.1:1/x"), "x")}
    now = "at hand"
    async with telling(lambda: WritingUow(engines[now], POLICY)):
        await told(Platform.VK, 0, 0)
        now = "away"
        await told(Platform.VK, None, None)
        await lab.watch(lab.account(Platform.VK), "1_1")
        now = "at hand"
        await told(Platform.VK, 1, 1)


async def test_the_loop_ends_at_once_when_told_to() -> None:
    """Not after the half minute that it waits between two looks."""
    stop, asked = asyncio.Event(), asyncio.Event()

    def transaction() -> WritingUow:
        asked.set()
        raise ConnectionError

    running = asyncio.create_task(loop.keep_telling(WATCHED, transaction, stop))
    await asked.wait()
    assert not running.done()
    stop.set()
    await asyncio.wait_for(running, timeout=10)


async def test_a_line_is_logged_only_when_a_share_falls_below_95_percent_or_comes_back(
    lab: Lab, lines: list[Line]
) -> None:
    account = lab.account(Platform.VK)
    posts = [await lab.watch(account, f"1_{number}") for number in range(20)]
    stale = frozenset[Platform]()
    for old in (0, 1, 2, 20, 1, 0):
        await lab.rows("UPDATE watches SET sampled_at = now()")
        await lab.rows(
            "UPDATE watches SET sampled_at = now() - interval '6 hours'"
            " WHERE publication_id = ANY(:old)",
            old=posts[:old],
        )
        stale = await app.tell_freshness(WATCHED, lab.transaction, stale)
        assert stale == ({Platform.VK} if old > 1 else set())
    assert lines == [
        ("warning", "stats_stale vk", 20, 18),
        ("info", "stats_fresh_again vk", 20, 19),
    ]


async def test_of_fewer_than_twenty_posts_no_line_is_logged_however_old_they_are(
    lab: Lab, lines: list[Line]
) -> None:
    account = lab.account(Platform.VK)
    posts = [await lab.watch(account, f"1_{number}") for number in range(19)]
    await lab.rows("UPDATE watches SET sampled_at = now() - interval '6 hours'")
    stale = await app.tell_freshness(WATCHED, lab.transaction, frozenset())
    assert gauges(Platform.VK) == (19, 0)
    assert (stale, lines) == (frozenset(), [])
    await lab.watch(account, "1_19")
    stale = await app.tell_freshness(WATCHED, lab.transaction, stale)
    assert lines == [("warning", "stats_stale vk", 20, 1)]
    await lab.rows(
        "UPDATE watches SET next_at = NULL WHERE publication_id = :ended", ended=posts[0]
    )
    assert not await app.tell_freshness(WATCHED, lab.transaction, stale)
    assert lines[1:] == [("info", "stats_fresh_again vk", 19, 1)]


async def test_the_running_worker_tells_how_fresh_its_numbers_are(
    lab: Lab,
    new_vhost: NewVhost,
    migrated_url: str,
    redis_url: str,
    urls: PlatformUrls,
    lender_url: str,
) -> None:
    settings = Settings(
        database_url=migrated_url,
        rabbitmq_url=new_vhost(),
        redis_url=redis_url,
        auth_jwt_secret=JWT_SECRET,
        service_tokens=f"{NAME}={SECRET}",
        oauth_gateway_url=lender_url,
    )
    own = queues(NAME, SUBSCRIPTIONS, settings.bus_retry_delays)
    await topology.declare(settings.rabbitmq_url, NAME, own)
    # One was first due seven hours ago, but its turn is an hour from now: nobody samples it.
    for ago in ("1 minute", "8 hours"):
        post = await lab.watch(lab.account(Platform.DZEN), "missing")
        await lab.rows(
            f"UPDATE watches SET published_at = now() - interval '{ago}',"  # noqa: S608 - ours
            " next_at = now() + interval '1 hour' WHERE publication_id = :post",
            post=post,
        )
    bus, redis = connect_broker(settings.rabbitmq_url, NAME), redis_client(settings.redis_url)
    engine = connect(settings.database_url, NAME)
    async with worker_lifespan(settings, engine, bus, redis, adapters(urls))(FastAPI()):
        await told(Platform.DZEN, 2, 1)
        await told(Platform.VK, 0, 0)
