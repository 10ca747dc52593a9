"""Where publisher's objects meet, one function a process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from common import checks, process
from common.bus import run
from common.bus.depth import tell_depth
from common.bus.publish import broker as make_broker
from common.bus.subscription import exchange, queues
from common.bus.telling import Telling
from common.clock import SystemClock
from common.contracts.words import Platform
from common.db.engine import connect
from common.db.group_commit import LOCK_TIMEOUT, GroupCommit
from common.db.relay import Relay
from common.http.app import create_app
from common.http.lending import VaultTokens
from common.http.rates import Allowance
from common.pace import Pace, redis_client
from common.settings import needed
from platforms.pacing import Pacer
from platforms.registry import adapters
from publisher.app.engine import Engine, Policy
from publisher.app.requested import Horizon
from publisher.app.work import Worker
from publisher.bus.subscriptions import REACTIONS, SUBSCRIPTIONS, WORK
from publisher.clock import Clock
from publisher.db.mediabook import MediaRows
from publisher.db.open_counts import tell_open
from publisher.db.uow import PublisherUow
from publisher.domain.burst import Burst
from publisher.http import media, pauses, publications, requests, stream
from publisher.http.gateway import Gateway
from publisher.media.accepting import Accepting
from publisher.media.links import Links
from publisher.media.opening import Opening
from publisher.media.parts import Files, MediaParts
from publisher.media.remote import Remote
from publisher.media.store import open_store
from publisher.settings import PublisherSettings

NAME = PublisherSettings.service
IN_LINE = timedelta(seconds=10)
"""A turn of the platform's that is further away gives the worker back; the row waits instead."""
ASIDE = timedelta(seconds=2.5)
"""The same for a turn of the account's or chat's, while which others could be served."""


def http(settings: PublisherSettings) -> None:
    """The publications gateway."""
    process.serve(http_app(settings), settings)


def http_app(settings: PublisherSettings) -> FastAPI:
    """The application for people."""
    verifier = settings.people()
    engine = connect(settings.database_url, "publisher-http", size=20)
    redis = redis_client(settings.redis_url)
    plugged = adapters(settings)
    transaction = partial(PublisherUow, engine)
    parts = _media(settings, MediaRows(engine))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.verifier = verifier
        app.state.media = parts
        app.state.gateway = Gateway(
            transaction=transaction,
            adapters=plugged,
            accept_media=Accepting(parts),
            horizon=Horizon(settings.schedule_min_ahead, settings.schedule_max_ahead),
            pace=Pace(redis),
            publish_rate=settings.publish_rate,
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            stack.push_async_callback(redis.aclose)
            stack.push_async_callback(plugged.aclose)
            await stack.enter_async_context(process.metrics_beside(settings))
            await checks.database(engine)()
            yield

    return create_app(
        "Clipcast publisher",
        settings,
        routers=[media.router, requests.router, stream.router, publications.router, pauses.router],
        checks={"database": checks.database(engine), "redis": checks.cache(redis)},
        required=frozenset({"database"}),
        lifespan=lifespan,
    )


def clock(settings: PublisherSettings) -> None:
    """Relay, scheduler and sweeper, and what publisher hears from others."""
    engine = connect(settings.database_url, "publisher-clock")
    bus = make_broker(settings.rabbitmq_url, NAME)
    transaction = partial(PublisherUow, engine)
    relay = Relay(engine, settings.database_url, Telling(bus, NAME))
    ticking = Clock(transaction, settings)
    run.attach(bus, queues(NAME, REACTIONS, settings.bus_retry_delays), REACTIONS, transaction)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await checks.database(engine)()
        await bus.start()
        try:
            depth = partial(tell_depth, bus, queues(NAME, SUBSCRIPTIONS, settings.bus_retry_delays))
            opened = partial(tell_open, engine, settings.quarantine)
            async with process.running(relay.run, ticking.run, depth, opened):
                yield
        finally:
            await bus.stop()
            await engine.dispose()

    found = {
        "database": checks.database(engine),
        "bus": checks.bus(bus, exchange(NAME)),
        "clock": ticking.check,
    }
    process.serve_worker(settings, lifespan, found, frozenset(found))


def worker(settings: PublisherSettings, platforms: Sequence[Platform]) -> None:
    """Publishes to some platforms."""
    engine = connect(settings.database_url, "publisher-worker", size=settings.slots)
    redis = redis_client(settings.redis_url)
    bus = make_broker(settings.rabbitmq_url, NAME, graceful_seconds=1)
    transaction = partial(PublisherUow, engine)
    pacer = Pacer(Pace(redis), settings, in_line=IN_LINE, aside=ASIDE)
    plugged = adapters(settings, gate=pacer.gate)
    vault = settings.gateway()
    parts = _media(settings, MediaRows(engine))
    work = Worker(
        Engine(
            transaction=transaction,
            adapters=plugged,
            tokens=VaultTokens(vault),
            media=Opening(parts.files, parts.links),
            policy=Policy(
                settings.lease,
                settings.quarantine,
                settings.retry_delays,
                _burst(settings.burst_limit),
            ),
            turn=pacer.turn,
            write=GroupCommit(
                transaction, partial(PublisherUow, engine, lock_timeout=LOCK_TIMEOUT)
            ),
            stopping=asyncio.Event(),
        ),
        settings.slots,
    )
    wanted = tuple(WORK[platform] for platform in platforms)
    run.attach(
        bus,
        [
            replace(queue, prefetch=settings.slots)
            for queue in queues(NAME, SUBSCRIPTIONS, settings.bus_retry_delays)
            if queue.purpose in {one.purpose for one in wanted}
        ],
        wanted,
        transaction,
        work,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await checks.database(engine)()
        await bus.start()
        try:
            with process.told_to_stop(work.stop_claiming):
                yield
        finally:
            work.stop_claiming()
            await bus.stop()
            await work.drain(settings.drain.total_seconds())
            await vault.aclose()
            await plugged.aclose()
            await redis.aclose()
            await engine.dispose()

    found = {
        "database": checks.database(engine),
        "bus": checks.bus(bus, exchange(NAME)),
        "redis": checks.cache(redis),
    }
    process.serve_worker(settings, lifespan, found, frozenset({"database", "bus"}))


def _burst(allowed: Allowance | None) -> Burst | None:
    return Burst(allowed.calls, timedelta(seconds=allowed.seconds)) if allowed else None


def _media(settings: PublisherSettings, rows: MediaRows) -> MediaParts:
    clock = SystemClock()
    return MediaParts(
        files=Files(
            open_store(settings.media_store_url),
            Remote(settings.media_allowed_hosts),
        ),
        book=rows,
        publications=rows,
        links=Links(settings.public_url, needed(settings, "media_link_secret"), clock),
        clock=clock,
        max_bytes=max(
            settings.file_limit_vk,
            settings.file_limit_rutube,
            settings.file_limit_dzen,
            settings.file_limit_telegram,
        ),
    )
