"""What publisher does when it hears of connections, plans and statistics: one transaction each."""

from dataclasses import replace
from datetime import timedelta

from common.bus.subscription import Heard
from common.contracts.accounts import PlanChanged
from common.contracts.connections import (
    ConnectionEvent,
    ConnectionExpired,
    PlatformConnected,
    PlatformDisconnected,
)
from common.contracts.stats import StatsCollected
from common.contracts.words import Plan
from publisher.app.cancel_publication import cancel_publication
from publisher.app.coverage import covers
from publisher.app.ports import Line, Uow
from publisher.domain.publication import Connection
from publisher.domain.states import Status

OPEN = (Status.SCHEDULED, Status.PUBLISHING)
"""What can still be called off."""


async def remember_connection(uow: Uow, heard: Heard) -> None:
    """An account was linked (again): what was held for it is due now."""
    fact: PlatformConnected = heard.event
    named = replace(
        _connection(fact, "active", heard.version),
        account_id=fact.account_id,
        account_name=fact.account_name,
    )
    if not await uow.connections.remember(named):
        return
    # None of those in flight: a worker locks them before the connection.
    held = await uow.publications.under_way(Status.SCHEDULED, connection_id=fact.connection_id)
    for row in held:
        if row.hold:
            now = timedelta(0)
            await uow.publications.change(row, hold=None, after=now, line=Line("released"))


async def forget_connection(uow: Uow, heard: Heard) -> None:
    """The account was removed: nothing more goes to it."""
    fact: PlatformDisconnected = heard.event
    await uow.lock_user(fact.user_id, shared=False)
    # Publications are locked before the connection, as a worker does whose account has to rest.
    ours = await uow.publications.under_way(*OPEN, connection_id=fact.connection_id)
    if not await uow.connections.remember(_connection(fact, "removed", heard.version)):
        return
    for row in ours:
        await cancel_publication(uow, row, why="disconnected")


async def expire_connection(uow: Uow, heard: Heard) -> None:
    """The tokens are refused: scheduled publications will be held when they are due."""
    fact: ConnectionExpired = heard.event
    await uow.connections.remember(_connection(fact, "expired", heard.version))


async def change_plan(uow: Uow, heard: Heard) -> None:
    """Cancel what the new plan no longer covers."""
    fact: PlanChanged = heard.event
    await uow.lock_user(fact.user_id, shared=False)
    plan = Plan.parse(fact.plan)
    if not await uow.plans.remember(fact.user_id, plan, fact.changed_at):
        return
    for row in await uow.publications.under_way(*OPEN, user_id=fact.user_id):
        if not covers(plan, fact.changed_at, row):
            await cancel_publication(uow, row, why="plan")


async def remember_stats(uow: Uow, heard: Heard) -> None:
    """Keep the latest counters on the publication."""
    fact: StatsCollected = heard.event
    await uow.publications.remember_stats(
        fact.publication_id,
        heard.version,
        views=fact.views,
        likes=fact.likes,
        shares=fact.shares,
        comments=fact.comments,
        stats_at=fact.sampled_at,
        stats_reason=fact.reason,
    )


def _connection(fact: ConnectionEvent, status: str, version: int) -> Connection:
    """What every event about a connection tells: it may come before the one that names it."""
    return Connection(fact.connection_id, fact.user_id, fact.platform, "", "", status, version)
