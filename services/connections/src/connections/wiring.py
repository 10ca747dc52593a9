"""The only place where objects meet: what `http` and `worker` are made of."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI
from faststream.rabbit import RabbitBroker
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
from common.pace import Pace, redis_client
from common.process import metrics_beside, running, serve, serve_worker
from connections.bus.subscriptions import SUBSCRIPTIONS
from connections.catalogue import catalogue
from connections.db.uow import ConnectionsUow
from connections.gateway import HttpGateway
from connections.http import connecting, refusals, routes
from connections.http.parts import Parts
from connections.settings import NAME, Settings
from platforms.registry import adapters
from platforms.settings import PlatformUrls


def http_app(settings: Settings, urls: PlatformUrls) -> FastAPI:
    """The application for people."""
    engine = connect(settings.database_url, NAME)
    holds = connect(settings.database_url, f"{NAME}-holds")
    redis = redis_client(settings.redis_url)
    client = settings.gateway()
    plugged = adapters(urls)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for close in (
                engine.dispose,
                holds.dispose,
                redis.aclose,
                client.aclose,
                plugged.aclose,
            ):
                stack.push_async_callback(close)
            await stack.enter_async_context(metrics_beside(settings))
            yield

    app = create_app(
        "Clipcast connections",
        settings,
        routers=(routes.router, connecting.router),
        checks={"database": checks.database(engine), "redis": checks.cache(redis)},
        required=frozenset({"database"}),
        lifespan=lifespan,
    )
    refusals.install(app)
    app.state.verifier = settings.people()
    app.state.parts = Parts(
        transaction=_transactions(engine),
        holds=holds,
        gateway=HttpGateway(client),
        catalogue=catalogue(plugged),
        pace=Pace(redis),
        connect_rate=settings.connect_rate,
    )
    return app


def http(settings: Settings, urls: PlatformUrls) -> None:
    """Run the `http` process."""
    serve(http_app(settings, urls), settings)


def worker(settings: Settings) -> None:
    """Run the `worker` process: relay and consumers."""
    engine = connect(settings.database_url, f"{NAME}-worker")
    bus = connect_broker(settings.rabbitmq_url, NAME)
    own = exchange(NAME)
    serve_worker(
        settings,
        worker_lifespan(settings, engine, bus),
        checks={"database": checks.database(engine), "broker": checks.bus(bus, own)},
        required=frozenset({"database", "broker"}),
    )


def worker_lifespan(settings: Settings, engine: AsyncEngine, bus: RabbitBroker) -> Lifespan:
    """Consumes while it is entered. A broker that is missing at start raises (stack.md C12)."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        own = queues(NAME, SUBSCRIPTIONS, settings.bus_retry_delays)
        attach(bus, own, SUBSCRIPTIONS, _transactions(engine))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            stack.push_async_callback(bus.stop)
            await bus.start()
            relay = Relay(engine, settings.database_url, Telling(bus, NAME))
            await stack.enter_async_context(running(relay.run, partial(tell_depth, bus, own)))
            yield

    return lifespan


def _transactions(engine: AsyncEngine) -> Callable[[], ConnectionsUow]:
    clock = SystemClock()
    return lambda: ConnectionsUow(engine, clock)
