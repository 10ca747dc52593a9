"""The only place where objects meet: what `http` and `worker` are made of."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from fastapi import FastAPI
from faststream.rabbit import RabbitBroker
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from common import checks
from common.bus.depth import tell_depth
from common.bus.publish import broker as connect_broker
from common.bus.run import attach
from common.bus.subscription import exchange, queues
from common.bus.telling import Telling
from common.clock import SystemClock
from common.db.engine import connect
from common.db.relay import Relay
from common.http.app import Lifespan, create_app
from common.http.lending import VaultTokens
from common.pace import Pace, redis_client
from common.process import metrics_beside, running, serve, serve_worker
from platforms.pacing import Pacer, PaceSettings
from platforms.registry import Adapters, adapters
from platforms.settings import PlatformUrls
from stats_collector.bus.subscriptions import SUBSCRIPTIONS
from stats_collector.db.uow import ReadingUow, WritingUow
from stats_collector.domain.policy import Policy
from stats_collector.http import routes
from stats_collector.http.parts import Parts
from stats_collector.settings import NAME, Settings
from stats_collector.worker.freshness import keep_telling
from stats_collector.worker.sampler import Sampler

PACE_PATIENCE = timedelta(seconds=20)
"""How long a call may wait for its turn; past it the row waits instead."""


def http_app(settings: Settings) -> FastAPI:
    """The application for people."""
    engine = connect(settings.database_url, NAME)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            await stack.enter_async_context(metrics_beside(settings))
            yield

    app = create_app(
        "Clipcast statistics",
        settings,
        routers=(routes.router,),
        checks={"database": checks.database(engine)},
        required=frozenset({"database"}),
        lifespan=lifespan,
    )
    app.state.verifier = settings.people()
    app.state.parts = Parts(
        transaction=lambda: ReadingUow(engine), clock=SystemClock(), schedule=settings.schedule
    )
    return app


def http(settings: Settings) -> None:
    """Run the `http` process."""
    serve(http_app(settings), settings)


def worker(settings: Settings, urls: PlatformUrls, pace: PaceSettings) -> None:
    """Run the `worker` process: relay, consumers and sampling."""
    engine = connect(settings.database_url, f"{NAME}-worker")
    bus = connect_broker(settings.rabbitmq_url, NAME)
    redis = redis_client(settings.redis_url)
    gate = Pacer(Pace(redis), pace, in_line=PACE_PATIENCE, aside=PACE_PATIENCE).gate
    serve_worker(
        settings,
        worker_lifespan(settings, engine, bus, redis, adapters(urls, gate=gate)),
        checks={
            "database": checks.database(engine),
            "broker": checks.bus(bus, exchange(NAME)),
            "redis": checks.cache(redis),
        },
        required=frozenset({"database", "broker"}),
    )


def worker_lifespan(
    settings: Settings,
    engine: AsyncEngine,
    bus: RabbitBroker,
    redis: "Redis",
    plugged: Adapters,
) -> Lifespan:
    """Works while it is entered. A broker that is missing at start raises (stack.md C12)."""
    silent = frozenset(name for name, adapter in plugged.items() if adapter.stats is None)
    policy = Policy(settings.schedule, silent)
    client = settings.gateway()
    stats = {name: adapter.stats for name, adapter in plugged.items() if adapter.stats}

    def transaction() -> WritingUow:
        return WritingUow(engine, policy)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        own = queues(NAME, SUBSCRIPTIONS, settings.bus_retry_delays)
        attach(bus, own, SUBSCRIPTIONS, transaction)
        async with AsyncExitStack() as stack:
            for close in (engine.dispose, redis.aclose, client.aclose, plugged.aclose, bus.stop):
                stack.push_async_callback(close)
            await bus.start()
            relay = Relay(engine, settings.database_url, Telling(bus, NAME))
            sampler = Sampler(stats, VaultTokens(client), transaction)
            depth = partial(tell_depth, bus, own)
            fresh = partial(keep_telling, frozenset(stats), transaction)
            await stack.enter_async_context(running(relay.run, sampler.run, depth, fresh))
            yield

    return lifespan
