"""The queue's statements, each built once: to build one takes longer than to carry it out."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Subquery,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)

from common.contracts.words import Platform
from common.db.statement import Statement
from publisher.app.pauses import Scope
from publisher.db.changing import noted_as
from publisher.db.claimable import COME, NOW, claimable, come, first_in_turn, scheduled, uncalled
from publisher.db.pauses import resumed
from publisher.db.picture import OWN
from publisher.db.tables import publications
from publisher.domain.burst import Burst
from publisher.domain.publication import Stage
from publisher.domain.states import Status

t = publications


@cache
def started(limit: int) -> Statement:
    """Scheduled ones whose account is well, on their way."""
    listed = scheduled(limit, well=True)
    found = (
        select(t.c.id)
        .join_from(listed, t, t.c.id == listed.c.id)
        .where(come(Status.SCHEDULED))
        .order_by(listed.c.due_at)
        .limit(limit)
        .with_for_update(of=t, skip_locked=True)
    )
    change = (
        update(t)
        .where(_among(found))
        .values(
            status=Status.PUBLISHING,
            version=t.c.version + 1,
            stage=Stage.QUEUED,
            hold=None,
            woken_at=NOW,
            updated_at=NOW,
        )
        .returning(*OWN)
    )
    return noted_as(change, "due")


@cache
def held_up(limit: int) -> Statement:
    """Scheduled ones whose time has come, but whose account is not well; locked."""
    listed = scheduled(limit, well=False)
    return Statement(
        select(*OWN)
        .join_from(listed, t, t.c.id == listed.c.id)
        .where(come(Status.SCHEDULED))
        .order_by(listed.c.due_at)
        .limit(limit)
        .with_for_update(of=t, skip_locked=True)
    )


@cache
def next_one(platform: Platform, quarantine: timedelta) -> Statement:
    """The first in turn after the user `since`, of other accounts than `without`; locked."""
    ways = first_in_turn(platform, quarantine, lock=True)
    both = _either(ways)
    in_order = select(both.c.id, both.c.connection_id).order_by(
        both.c.user_id, both.c.new, both.c.id
    )
    return Statement(in_order.limit(1))


@cache
def claim_of(lease: timedelta, quarantine: timedelta, burst: Burst | None) -> Statement:
    """A new fence for the one with the id `this`, if it may be claimed."""
    allowed = true() if burst is None else or_(t.c.fence > 0, ~used_up(burst))
    change = (
        update(t)
        .where(t.c.id == bindparam("this"), claimable(quarantine), allowed)
        .values(
            fence=t.c.fence + 1,
            first_claimed_at=case((t.c.fence == 0, NOW), else_=t.c.first_claimed_at),
            attempt=func.greatest(t.c.attempt, t.c.failures + 1),
            lease_until=NOW + lease,
            woken_at=None,
            updated_at=NOW,
        )
        .returning(*OWN)
    )
    return noted_as(change, "claimed")


@cache
def called(limit: int, platforms: frozenset[Platform], quarantine: timedelta) -> Statement:
    """Those nobody has been called for, marked."""
    each = (one for platform in platforms for one in uncalled(platform, quarantine, limit))
    found = select(_either(each).c.id).limit(limit)
    return _marked(_among(found))


@cache
def called_again(
    platforms: frozenset[Platform], quarantine: timedelta, again_after: timedelta
) -> Statement:
    """The first of each platform, on each way, marked if its call came to nothing. Asked with the
    same names as `next_one`."""
    firsts = (one for platform in platforms for one in first_in_turn(platform, quarantine))
    return _marked(
        _among(select(_either(firsts).c.id)),
        t.c.woken_at < NOW - again_after,
    )


def _among(found: Select[tuple[UUID]]) -> ColumnElement[bool]:
    """Looked for once: asked again while they are being changed, what locks rows finds others."""
    once = found.cte("found").prefix_with("MATERIALIZED")
    return t.c.id.in_(select(once.c.id))


def _marked(*which: ColumnElement[bool]) -> Statement:
    return Statement(update(t).where(*which).values(woken_at=NOW).returning(*OWN))


def _either(each: Iterable[Select[Any]]) -> Subquery:
    """All of these, each with an order and a limit of its own."""
    return union_all(*(select(one.subquery()) for one in each)).subquery()


def used_up(burst: Burst) -> ColumnElement[bool]:
    """The account had its share: no more of its index is read than that."""
    of = publications.alias()
    resumed_at = resumed(Scope.CONNECTION, cast(t.c.connection_id, String))
    had = select(literal(1)).where(
        of.c.connection_id == t.c.connection_id,
        of.c.first_claimed_at > func.greatest(COME - burst.within, resumed_at),
    )
    newest_first = had.order_by(of.c.first_claimed_at.desc())  # as the index has them
    return newest_first.offset(burst.most - 1).limit(1).correlate(t).exists()
