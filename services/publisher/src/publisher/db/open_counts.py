"""Counts what has not ended, what waits for a worker and what is paused; dashboards show it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from prometheus_client import Gauge
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.contracts.words import Platform
from common.observe import logs, metrics
from common.resting import rest
from publisher.app.pauses import BURST, Scope
from publisher.db.claimable import claimable
from publisher.db.pauses import resumed, running
from publisher.db.tables import connections, pauses, publications
from publisher.domain.states import Status

EVERY_SECONDS = 15.0
OPEN = (Status.SCHEDULED, Status.PUBLISHING, Status.UNCERTAIN)
OPERATOR = "operator"
"""Whoever it was that paused by hand: a label is no place for names."""
Count = Callable[[AsyncConnection], Awaitable[None]]
t = publications
log = logs.get(__name__)


async def tell_open(engine: AsyncEngine, quarantine: timedelta, stop: asyncio.Event) -> None:
    """Count again and again until told to stop; a fault of the database costs one count."""
    due = partial(_tell_due, quarantine=quarantine)
    while not stop.is_set():
        await _tell(engine, due, metrics.PUBLICATIONS_DUE, metrics.PUBLICATIONS_DUE_OLDEST)
        await _tell(engine, _tell_pauses, metrics.PAUSES)
        await _tell(engine, _tell_open, metrics.PUBLICATIONS_OPEN)
        await rest(EVERY_SECONDS, stop)


async def _tell(engine: AsyncEngine, count: Count, *gauges: Gauge) -> None:
    """Each count by itself: one that fails takes no other along."""
    try:
        async with engine.connect() as connection:
            await count(connection)
    except Exception as error:  # noqa: BLE001 - no number is better than an old one
        of = [metric.name for gauge in gauges for metric in gauge.describe()]
        log.warning("open_count_unknown", of=of, error=type(error).__name__)
        for gauge in gauges:
            gauge.clear()


async def _tell_open(connection: AsyncConnection) -> None:
    kind = (t.c.platform, t.c.status)
    counting = select(*kind, func.count()).where(t.c.status.in_(OPEN)).group_by(*kind)
    found = {(row[0], row[1]): row[2] for row in await connection.execute(counting)}
    for platform in Platform:
        for status in OPEN:
            count = found.get((platform, status), 0)
            metrics.PUBLICATIONS_OPEN.labels(platform, status).set(count)


async def _tell_due(connection: AsyncConnection, quarantine: timedelta) -> None:
    # Two queries, not one with an OR: each has an index of its own.
    accounts = union_all(
        _by_account(claimable(quarantine), func.count()),
        _by_account(_not_started(), literal(0, Integer)),
    ).subquery()
    kind = accounts.c.platform
    age = func.extract("epoch", func.now() - func.min(accounts.c.since))
    counting = select(kind, func.sum(accounts.c.ready), age).group_by(kind)
    found = {row[0]: (row[1], row[2]) for row in await connection.execute(counting)}
    for platform in Platform:
        ready, oldest = found.get(platform, (0, 0))
        metrics.PUBLICATIONS_DUE.labels(platform).set(ready)
        metrics.PUBLICATIONS_DUE_OLDEST.labels(platform).set(max(0, oldest))


def _by_account(which: ColumnElement[bool], ready: ColumnElement[int]) -> Select[tuple[str, int]]:
    """How many, and since when the first could have gone on: as long as its account was paused or
    rested, or somebody held it, it waited for no worker."""
    account = cast(t.c.connection_id, String)
    rested = select(connections.c.rest_until).where(connections.c.id == t.c.connection_id)
    since = func.greatest(
        func.min(func.greatest(t.c.due_at, t.c.lease_until)),
        resumed(Scope.PLATFORM, t.c.platform),
        resumed(Scope.CONNECTION, account),
        resumed(Scope.USER, t.c.user_id),
        rested.correlate(t).scalar_subquery(),
    )
    return (
        select(t.c.platform, ready.label("ready"), since.label("since"))
        .where(which)
        .group_by(t.c.platform, t.c.connection_id, t.c.user_id)
    )


def _not_started() -> ColumnElement[bool]:
    """Scheduled ones that a clock which ticks would have started."""
    well = select(connections.c.id).where(
        connections.c.id == t.c.connection_id, connections.c.status == "active"
    )
    come = and_(t.c.status == Status.SCHEDULED, t.c.due_at <= func.statement_timestamp())
    return and_(come, running(), well.correlate(t).exists())


async def _tell_pauses(connection: AsyncConnection) -> None:
    by = case((pauses.c.paused_by == BURST, BURST), else_=OPERATOR)
    counting = select(pauses.c.scope, by, func.count()).group_by(pauses.c.scope, by)
    found = {(row[0], row[1]): row[2] for row in await connection.execute(counting)}
    for scope in Scope:
        for who in (BURST, OPERATOR):
            metrics.PAUSES.labels(scope, who).set(found.get((scope, who), 0))
