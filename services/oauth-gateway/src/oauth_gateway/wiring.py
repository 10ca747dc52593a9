"""The only place where the parts of this service meet."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from common import checks
from common.auth.services import parse_tokens
from common.bus.depth import tell_depth
from common.bus.publish import broker as connect_bus
from common.bus.run import attach
from common.bus.subscription import exchange, queues
from common.bus.telling import Telling
from common.clock import SystemClock
from common.db.engine import connect
from common.db.relay import Relay
from common.http.app import create_app
from common.observe import logs, trace
from common.pace import Pace, redis_client
from common.process import Task, metrics_beside, running, serve, serve_worker
from common.resting import rest
from oauth_gateway.app.erase_credential import erase_credential
from oauth_gateway.app.ports import Ports
from oauth_gateway.app.refresh_due import refresh_due
from oauth_gateway.bus.subscriptions import SUBSCRIPTIONS
from oauth_gateway.db.flows import RedisFlows
from oauth_gateway.db.uow import GatewayUow
from oauth_gateway.domain.returning import Returning
from oauth_gateway.http.callback import callback_router
from oauth_gateway.http.internal import internal_router
from oauth_gateway.settings import GatewaySettings
from oauth_gateway.starting import opened
from oauth_gateway.vault.keys import Fingerprints, Keyring
from oauth_gateway.vault.tokens import TokenVault
from platforms.pacing import Pacer
from platforms.registry import Adapters, adapters

NAME = "oauth-gateway"
LONGEST_TURN = timedelta(seconds=10)
"""A person waits behind every call we make: further away than this is "later"."""
REST_SECONDS = 1.0
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What both processes are made of."""

    engine: AsyncEngine
    redis: "Redis"
    keyring: Keyring
    adapters: Adapters
    ports: Ports

    async def aclose(self) -> None:
        """Close every connection, once what is underway has been stored."""
        await self.ports.underway.drained()
        await self.adapters.aclose()
        await self.redis.aclose()
        await self.engine.dispose()


def build(settings: GatewaySettings, fingerprints: Fingerprints | None = None) -> Parts:
    """Nothing here talks to anybody yet. Who connects accounts brings the database's own
    `fingerprints` (oauth_gateway.starting)."""
    engine = connect(settings.database_url, NAME)
    redis = redis_client(settings.redis_url)
    keyring = settings.keyring
    plugged = adapters(
        settings,
        settings,
        gate=Pacer(Pace(redis), settings, in_line=LONGEST_TURN, aside=LONGEST_TURN).gate,
        fingerprint=fingerprints or Fingerprints(keyring.fingerprint_key()),
    )
    ports = Ports(lambda: GatewayUow(engine), TokenVault(keyring), plugged, SystemClock())
    return Parts(engine, redis, keyring, plugged, ports)


def create_gateway(settings: GatewaySettings, parts: Parts) -> FastAPI:
    """The application of the http process."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with metrics_beside(settings):
            yield
        await parts.aclose()

    flows = RedisFlows(parts.redis, parts.keyring)
    returning = Returning(settings.frontend_url, settings.return_to)
    app = create_app(
        NAME,
        settings,
        routers=[
            internal_router(parts.ports, flows, returning, settings.redirect_uris),
            callback_router(flows, returning),
        ],
        checks={"database": checks.database(parts.engine), "redis": checks.cache(parts.redis)},
        required=frozenset({"database"}),
        lifespan=lifespan,
    )
    app.state.service = NAME
    app.state.service_secrets = parse_tokens(settings.service_tokens)
    return app


def http(settings: GatewaySettings, _arguments: argparse.Namespace) -> None:
    """Serve the callback and our services."""
    serve(create_gateway(settings, build(settings, opened(settings))), settings)


def worker(settings: GatewaySettings, _arguments: argparse.Namespace) -> None:
    """Refresh ahead of time, erase what was disconnected, relay and listen."""
    parts = build(settings, opened(settings))
    bus = connect_bus(settings.rabbitmq_url, NAME)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        own = queues(NAME, SUBSCRIPTIONS, settings.bus_retry_delays)
        attach(bus, own, SUBSCRIPTIONS, lambda: GatewayUow(parts.engine))
        await bus.start()
        tasks = (
            Relay(parts.engine, settings.database_url, Telling(bus, NAME)).run,
            repeating(refresh_due, parts.ports),
            repeating(erase_credential, parts.ports),
            partial(tell_depth, bus, own),
        )
        async with running(*tasks):
            yield
        await bus.stop()
        await parts.aclose()

    serve_worker(
        settings,
        lifespan,
        checks={
            "database": checks.database(parts.engine),
            "rabbitmq": checks.bus(bus, exchange(NAME)),
        },
        required=frozenset({"database", "rabbitmq"}),
    )


def repeating(once: Callable[[Ports], Awaitable[bool]], ports: Ports) -> Task:
    """Do it again as long as there is something to do, then rest; outlives faults of servers."""

    async def task(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                with trace.within(trace.start()):
                    if await once(ports):
                        continue
            except Exception as error:  # noqa: BLE001 - the next round may find the server back
                log.warning("task_round_failed", task=once.__name__, error=type(error).__name__)
            await rest(REST_SECONDS, stop)

    return task
