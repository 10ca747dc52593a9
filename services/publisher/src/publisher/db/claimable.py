"""What may be claimed, and the ways to find such rows without reading those that may not.

A pause or a rest leaves very many rows waiting that are due all the same. A paused platform is not
looked at; of paused accounts and users no more is read than the index.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    String,
    Subquery,
    Uuid,
    all_,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.selectable import LateralFromClause

from common.contracts.words import Platform
from publisher.db.pauses import running
from publisher.db.tables import connections, publications
from publisher.domain.publication import StepState
from publisher.domain.states import Status

t = publications
listed = publications.alias("listed")
"""The rows as an index lists them: asked for nothing else, so that the table is not read."""
NOW = func.clock_timestamp()
COME = func.statement_timestamp()
"""For what is due: constant within a statement, so that an index finds it (the clock itself would
be read anew at each row, of those in the future, too). It is a little behind, thus never early."""

AT_WORK = 1000
"""More than are ever in workers' hands: so many are looked at beyond what is asked for."""


def come(status: Status, of: FromClause = t) -> ColumnElement[bool]:
    """In this state, and due."""
    return and_(of.c.status == status, of.c.due_at <= COME)


def in_turn(of: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Users by their ids; of a user's own those begun come first, then the oldest."""
    return (of.c.user_id, of.c.step.is_(None), of.c.id)


def claimable(quarantine: timedelta) -> ColumnElement[bool]:
    """Due, held by nobody, and neither paused nor resting. A cancel is seen to even then, and what
    people may see by now is followed to its end even while paused."""
    lease_over = case(
        (t.c.step_state == StepState.STARTED, t.c.lease_until + quarantine),
        else_=t.c.lease_until,
    )
    return and_(
        come(Status.PUBLISHING),
        or_(t.c.lease_until.is_(None), lease_over < NOW),
        or_(t.c.cancel_requested, and_(~_resting(t), or_(running(), t.c.visible))),
    )


def first_in_turn(
    platform: Platform, quarantine: timedelta, *, lock: bool = False
) -> list[Select[Any]]:
    """The first one of those after the user `since` and of other accounts than `without`, on each
    way: of those that no pause covers, and of the few that are seen to even while paused. One that
    somebody else has in hand is passed over if it is to be locked."""

    def which(of: FromClause) -> ColumnElement[bool]:
        others = of.c.connection_id != all_(bindparam("without", type_=ARRAY(Uuid)))
        return and_(of.c.user_id > bindparam("since", type_=String), others)

    new = listed.c.step.is_(None).label("new")
    free = (
        select(listed.c.id, listed.c.user_id, new)
        .where(_free(platform), which(listed))
        .order_by(*in_turn(listed))
        .limit(1 + AT_WORK)
        .subquery("free")
    )
    found = select(t.c.id, t.c.connection_id, t.c.user_id, t.c.step.is_(None).label("new"))
    seen_to = found.where(_seen_to(platform, quarantine), which(t)).order_by(*in_turn(t)).limit(1)
    each = _looked_up(found.where(claimable(quarantine)), free, lock=lock)
    return [
        select(each.c.id, each.c.connection_id, each.c.user_id, each.c.new)
        .select_from(free.join(each, true()))
        .order_by(free.c.user_id, free.c.new, free.c.id)
        .limit(1),
        seen_to.with_for_update(of=t, skip_locked=True) if lock else seen_to,
    ]


def uncalled(platform: Platform, quarantine: timedelta, most: int) -> list[Select[Any]]:
    """Those for which nobody was called yet, on the same ways; locked."""
    free = (
        select(listed.c.id)
        .where(_free(platform), listed.c.woken_at.is_(None))
        .order_by(listed.c.due_at)
        .limit(most + AT_WORK)
        .subquery("free")
    )
    found = select(t.c.id).where(claimable(quarantine), t.c.woken_at.is_(None))
    locked = _looked_up(found, free, lock=True)
    seen_to = found.where(_seen_to(platform, quarantine)).limit(most)
    return [
        select(locked.c.id).select_from(free.join(locked, true())).limit(most),
        seen_to.with_for_update(of=t, skip_locked=True),
    ]


def _looked_up(found: Select[Any], listed_before: Subquery, *, lock: bool) -> LateralFromClause:
    """Each by its id: with a lock or an offset there is no other way to join the two. A planner
    who believes that the queue is empty would read all of it for each one."""
    each = found.where(t.c.id == listed_before.c.id).correlate(listed_before)
    own_way = each.with_for_update(of=t, skip_locked=True) if lock else each.offset(0)
    return own_way.lateral()


def scheduled(most: int, *, well: bool) -> Subquery:
    """The first whose time has come, whose account is well or not, and that no pause covers."""
    active = exists().where(
        connections.c.id == listed.c.connection_id, connections.c.status == "active"
    )
    each = (
        select(listed.c.id, listed.c.due_at)
        .where(
            listed.c.platform == platform,
            come(Status.SCHEDULED, listed),
            running(listed, platform),
            active if well else ~active,
        )
        .order_by(listed.c.due_at)
        .limit(most)
        .subquery()
        for platform in Platform
    )
    return union_all(*(select(one) for one in each)).subquery("come")


def _free(platform: Platform) -> ColumnElement[bool]:
    return and_(
        listed.c.platform == platform,
        come(Status.PUBLISHING, listed),
        running(listed, platform),
        ~_resting(listed),
    )


def _seen_to(platform: Platform, quarantine: timedelta) -> ColumnElement[bool]:
    return and_(
        t.c.platform == platform, or_(t.c.cancel_requested, t.c.visible), claimable(quarantine)
    )


def _resting(of: FromClause) -> ColumnElement[bool]:
    return exists().where(connections.c.id == of.c.connection_id, connections.c.rest_until > COME)
