"""What is asked of databases of different sizes, through the services' own repositories."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from common.contracts.words import Platform
from publisher.app.cancel_publication import cancel_publication
from publisher.app.ports import Filters
from publisher.db.tables import publications
from publisher.db.uow import PublisherUow
from publisher.domain.burst import Burst
from publisher.domain.states import Status
from stats_collector.db.tables import WATCHES
from stats_collector.db.uow import ReadingUow
from stats_collector.domain.series import Resolution, Series
from stats_collector.domain.summary import Grouping, Period

LEASE = QUARANTINE = timedelta(seconds=30)
BURST = Burst(200, timedelta(hours=1))
PAGE = 51
USER = "user-3"
DAY = timedelta(days=1)
ZONE = "Europe/Moscow"


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody's publications: the newest scheduled one, and the one in the middle."""

    user: str
    middle: UUID
    created_at: datetime
    connection_id: UUID
    clip_id: str
    scheduled: UUID


@dataclass(frozen=True, slots=True)
class Watched:
    """A post in the middle of those with samples, and a moment in the middle of them."""

    post: UUID
    middle: datetime
    period: Period


async def known(connection: AsyncConnection, user: str) -> Known:
    """What the questions about this user are about."""
    t = publications
    own = select(t).where(t.c.user_id == user).order_by(t.c.id.desc())
    rows = (await connection.execute(own)).mappings().all()
    middle = rows[len(rows) // 2]
    scheduled = next(row for row in rows if row["status"] == Status.SCHEDULED)
    return Known(
        user,
        middle["id"],
        middle["created_at"],
        middle["connection_id"],
        middle["clip_id"],
        scheduled["id"],
    )


async def watched(connection: AsyncConnection) -> Watched:
    """The same of stats-collector."""
    w = WATCHES
    told = select(w).where(w.c.user_id == "user-0", w.c.next_at.is_not(None))
    rows = (await connection.execute(told.order_by(w.c.publication_id))).mappings().all()
    middle, now = rows[len(rows) // 2], datetime.now(UTC)
    return Watched(
        middle["publication_id"],
        middle["published_at"] + 13 * DAY,
        Period(now - 30 * DAY, now, ZONE),
    )


Asking = Callable[[PublisherUow], Awaitable[Any]]
AskingStats = Callable[[ReadingUow], Awaitable[Any]]


def lists(of: Known) -> Mapping[str, Asking]:
    """A page of each filter: the first one, and one in the middle."""
    every = Filters()
    filters = {
        "all": every,
        "status": replace(every, status=Status.PUBLISHED),
        "rare status": replace(every, status=Status.UNCERTAIN),
        "platform": replace(every, platform=Platform.DZEN),
        "connection": replace(every, connection_id=of.connection_id),
        "clip": replace(every, clip_id=of.clip_id),
        "from": replace(every, since=of.created_at),
        "to": replace(every, until=of.created_at),
        "from and to": replace(every, since=of.created_at - DAY, until=of.created_at),
    }
    return {
        f"list {name}{', middle' if before else ''}": _page(of.user, chosen, before)
        for name, chosen in filters.items()
        for before in (None, of.middle)
    }


def of_person(of: Known) -> Mapping[str, Asking]:
    """What people ask about one publication."""

    async def cancel(uow: PublisherUow) -> None:
        row = await uow.publications.lock(of.scheduled, of.user)
        assert row is not None  # noqa: S101 - it was found a moment ago
        await cancel_publication(uow, row)

    return {
        "get": lambda uow: uow.publications.get(of.middle, of.user),
        "timeline": lambda uow: uow.timeline.page(of.middle, after=0, limit=PAGE),
        "cancel": cancel,
    }


async def claim(uow: PublisherUow) -> None:
    """As a worker does: choose whose turn it is, and take it."""
    chosen = await uow.due.next_in_turn(Platform.VK, "", quarantine=QUARANTINE, counted=True)
    assert chosen is not None  # noqa: S101 - there is always some due
    taken = await uow.due.claim(chosen, lease=LEASE, quarantine=QUARANTINE, burst=BURST)
    assert taken is not None  # noqa: S101 - it is locked


def of_stats(of: Watched) -> Mapping[str, AskingStats]:
    """Numbers of a post, and sums of a user."""

    def series(resolution: Resolution, after: datetime | None) -> AskingStats:
        told = Series(resolution, ZONE)
        return lambda uow: uow.samples.page(of.post, told, after=after, limit=201)

    def summary(grouping: Grouping) -> AskingStats:
        return lambda uow: uow.samples.summary("user-0", of.period, grouping, after=None, limit=201)

    return {
        "watch": lambda uow: uow.watches.get(of.post, "user-0"),
        **{f"series by {one}": series(one, None) for one in Resolution},
        "series, middle": series(Resolution.EVERY, of.middle),
        **{f"summary by {one}": summary(one) for one in Grouping},
        "export page": lambda uow: uow.samples.export("user-0", after=None, limit=1000),
    }


def _page(user: str, filters: Filters, before: UUID | None) -> Asking:
    return lambda uow: uow.publications.page(user, filters, before=before, limit=PAGE)
