"""Server-sent events: what changes about the caller's own publications, as it changes.

An event's id is the instant of the change. Changes may commit a little out of order, so each look
goes back a few seconds and what was already sent in this form is left out; after a reconnect a
client may see a change twice, never miss one.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from common.http.callers import CallerDep
from common.http.problems import documented
from publisher.domain.publication import Publication
from publisher.http.deps import GatewayDep, LangDep
from publisher.http.gateway import Gateway
from publisher.http.present import publication_out

router = APIRouter(prefix="/v1/publications", tags=["publications"])
LOOK_SECONDS = 0.5
PAGE = 500
OVERLAP = timedelta(seconds=15)
"""Longer than any transaction may take (common.db.engine.COMMAND_SECONDS)."""


async def _opened(gate: GatewayDep) -> datetime:
    """The instant before the answer begins: whatever changes after it is news."""
    async with gate.transaction() as uow:
        return await uow.now()


@router.get(
    "/stream",
    response_class=EventSourceResponse,
    operation_id="stream_publications",
    responses=documented(401, 422, 503),
)
async def stream(
    request: Request,
    who: CallerDep,
    gate: GatewayDep,
    lang: LangDep,
    opened: Annotated[datetime, Depends(_opened)],
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """State and progress; resumable by Last-Event-ID; a comment every 15 s keeps it open.

    It ends with the token: whoever goes on comes back with a fresh one.
    """
    since = _instant(last_event_id)
    sent: dict[UUID, Any] = {}
    if since is None:
        since = opened
        async for row in _changed(gate, who.user_id, since - OVERLAP):
            if row.updated_at < opened:
                sent[row.id] = _form(row)
    while time.time() < who.expires_at and not await request.is_disconnected():
        async for row in _changed(gate, who.user_id, since - OVERLAP):
            since = max(since, row.updated_at)
            if sent.get(row.id) != _form(row):
                sent[row.id] = _form(row)
                yield _event(row, lang)
        await asyncio.sleep(LOOK_SECONDS)


async def _changed(gate: Gateway, user: str, since: datetime) -> AsyncIterator[Publication]:
    """All that changed, page by page: an agency's thousand may fall due in the same second."""
    beyond = UUID(int=0)
    while True:
        async with gate.transaction() as uow:
            rows = await uow.publications.changed_since(user, since, beyond=beyond, limit=PAGE)
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        since, beyond = rows[-1].updated_at, rows[-1].id


def _form(row: Publication) -> tuple[object, ...]:
    """What a client sees of it here; a change of anything else is no event."""
    return row.version, row.status, row.stage, row.percent, row.stage_until


def _event(row: Publication, lang: str) -> ServerSentEvent:
    shown = publication_out(row, lang)
    data = shown.model_dump(mode="json", include={"id", "version", "status", "stage", "url"})
    return ServerSentEvent(
        data=data, event="publication", id=str(round(row.updated_at.timestamp() * 1e6))
    )


def _instant(event_id: str | None) -> datetime | None:
    if event_id is None or not event_id.isdecimal() or len(event_id) > 17:
        return None
    return datetime.fromtimestamp(int(event_id) / 1e6, UTC)
