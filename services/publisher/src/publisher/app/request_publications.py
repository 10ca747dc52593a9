"""Accepts a request: one row per target and its wake-up call, in one commit."""

from datetime import datetime

from common.ids import new_id
from common.observe import trace
from publisher.app import record
from publisher.app.ports import Uow
from publisher.app.requested import Request, Target
from publisher.domain.publication import Connection, Publication, Stage, StepState
from publisher.domain.states import Status


async def request_publications(
    uow: Uow, request: Request, connections: tuple[Connection, ...], now: datetime
) -> list[Publication]:
    """Write all or nothing. The request has been checked; a race lost here is a duplicate.
    `now` is the database's.

    Raises DuplicatePublication.
    """
    rows = [
        _row(request, target, connection, now)
        for target, connection in zip(request.targets, connections, strict=True)
    ]
    await uow.publications.add(rows, "requested" if request.schedule_at is None else "scheduled")
    for row in rows:
        if row.status is Status.PUBLISHING:
            record.wake(uow, row)
    return rows


def _row(request: Request, target: Target, connection: Connection, now: datetime) -> Publication:
    here = trace.current()
    immediate = request.schedule_at is None
    return Publication(
        id=new_id(),
        user_id=request.user_id,
        clip_id=request.clip_id,
        connection_id=connection.id,
        platform=connection.platform,
        account_id=connection.account_id,
        title=target.title,
        description=target.description,
        options=dict(target.options),
        media=dict(request.media or {}),
        status=Status.PUBLISHING if immediate else Status.SCHEDULED,
        stage=Stage.QUEUED if immediate else None,
        percent=None,
        stage_until=None,
        stage_why=None,
        schedule_at=request.schedule_at,
        due_at=request.schedule_at or now,
        failures=0,
        attempt=0,
        hold=None,
        step=None,
        step_state=StepState.READY,
        cursor=None,
        visible=False,
        fence=0,
        lease_until=None,
        begun_at=None,
        cancel_requested=False,
        cancel_why=None,
        plan_at=request.plan_at,
        error_code=None,
        error_reason=None,
        post_id=None,
        url=None,
        created_at=now,
        updated_at=now,
        published_at=None,
        version=1,
        traceparent=here.traceparent,
        correlation_id=here.correlation_id,
        views=None,
        likes=None,
        shares=None,
        comments=None,
        stats_at=None,
        stats_reason=None,
        stats_version=0,
    )
