"""The three questions a frontend can ask; each user gets answers about their own posts only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from common.http.callers import CallerDep
from common.http.paging import Cursor, Limit, Page
from common.http.problems import Problem, documented
from stats_collector.domain.series import Resolution, Series
from stats_collector.http.cursors import after_key, after_moment, key_cursor, moment_cursor
from stats_collector.http.export import pages
from stats_collector.http.parts import PartsDep
from stats_collector.http.period import SummaryQuery, Zone
from stats_collector.http.schemas import LineOut, PublicationStatsOut

RESOLUTION = "Every sample, or the last one of each hour or day."
TZ = "The time zone of hours and days, such as Europe/Moscow."

router = APIRouter(prefix="/v1/stats", tags=["stats"])


@router.get(
    "/publications/{publication_id}",
    operation_id="get_publication_stats",
    responses=documented(401, 404, 422, 503),
)
async def publication_stats(
    publication_id: UUID,
    who: CallerDep,
    parts: PartsDep,
    resolution: Annotated[Resolution, Query(description=RESOLUTION)] = Resolution.EVERY,
    tz: Annotated[Zone, Query(description=TZ)] = "UTC",
    limit: Limit = 200,
    cursor: Cursor = None,
) -> PublicationStatsOut:
    """The samples of one published publication, oldest first: every one, or for each hour or day
    in which any was taken the last one that tells views.

    Where none of an hour or day tells any (the post is gone, or processed again), its last one is
    shown. `next_cursor` continues with the same `resolution` and `tz` only.
    """
    series = Series(resolution, tz)
    after = after_moment(cursor, series)
    async with parts.transaction() as uow:
        watch = await uow.watches.get(publication_id, who.user_id)
        if watch is None:
            raise Problem(404, "not_found")
        found = await uow.samples.page(publication_id, series, after=after, limit=limit + 1)
    shown = found[:limit]
    more = moment_cursor(shown[-1].at, series) if len(found) > limit else None
    return PublicationStatsOut.of(
        watch, shown, more, late=watch.late(parts.schedule, parts.clock.now())
    )


@router.get("/summary", operation_id="summarise_stats", responses=documented(401, 422, 503))
async def summary(
    query: Annotated[SummaryQuery, Query()], who: CallerDep, parts: PartsDep
) -> Page[LineOut]:
    """The caller's numbers by platform, connection or day; by default of the last 30 days."""
    period = query.period(parts.clock.now())
    after = after_key(query.cursor)
    async with parts.transaction() as uow:
        found = await uow.samples.summary(
            who.user_id, period, query.group_by, after=after, limit=query.limit + 1
        )
    shown = found[: query.limit]
    return Page(
        items=[LineOut.of(line) for line in shown],
        next_cursor=key_cursor(shown[-1].key) if len(found) > query.limit else None,
    )


@router.get(
    "/export.csv",
    operation_id="export_stats",
    response_class=StreamingResponse,
    responses=documented(401, 503) | {200: {"content": {"text/csv": {}}}},
)
async def export(who: CallerDep, parts: PartsDep) -> StreamingResponse:
    """Every sample of the caller's publications as CSV; an empty cell is a number nobody told."""
    return StreamingResponse(
        pages(parts.transaction, who.user_id),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="stats.csv"'},
    )
