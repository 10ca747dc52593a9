"""Reading and steering publications."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse

from common.contracts.words import Platform
from common.failpoint import failpoint
from common.http.callers import CallerDep
from common.http.idempotency import IdempotencyDep
from common.http.paging import Cursor, Limit, Page, decode, encode
from common.http.problems import Flaw, Problem, documented
from common.observe import trace
from platforms.port import Adapter
from publisher.app import record
from publisher.app.cancel_publication import cancel_publication
from publisher.app.edit_publication import check_edit, edit_publication
from publisher.app.ports import DuplicatePublication, Filters, Uow
from publisher.app.resolve_publication import resolve_publication
from publisher.app.retry_publication import retry_publication
from publisher.domain.publication import Publication
from publisher.domain.rules import Verdict
from publisher.domain.states import Status
from publisher.http.deps import GatewayDep, LangDep, found, require_plan
from publisher.http.gateway import Gateway
from publisher.http.present import publication_out
from publisher.http.schemas import (
    EditIn,
    Moment,
    PublicationOut,
    ResolveIn,
    TimelineOut,
    VerdictOut,
    Word,
)

router = APIRouter(prefix="/v1/publications", tags=["publications"])
REQUESTED: dict[int | str, dict[str, Any]] = {
    202: {"model": VerdictOut, "description": "It ends as cancelled or published"}
}


@router.get(
    "",
    response_model=Page[PublicationOut],
    operation_id="list_publications",
    responses=documented(401, 422, 503),
)
async def listing(
    who: CallerDep,
    gate: GatewayDep,
    lang: LangDep,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Status | None = None,
    platform: Platform | None = None,
    connection_id: UUID | None = None,
    clip_id: Word | None = None,
    *,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
) -> Page[PublicationOut]:
    """Newest first."""
    filters = Filters(status, platform, connection_id, clip_id, since, until)
    before = _before(cursor)
    async with gate.transaction() as uow:
        rows = await uow.publications.page(who.user_id, filters, before=before, limit=limit + 1)
    more = encode(str(rows[limit - 1].id)) if len(rows) > limit else None
    return Page(items=[publication_out(row, lang) for row in rows[:limit]], next_cursor=more)


@router.get(
    "/{publication_id}",
    response_model=PublicationOut,
    operation_id="get_publication",
    responses=documented(401, 404, 422, 503),
)
async def one(
    publication_id: UUID, who: CallerDep, gate: GatewayDep, lang: LangDep, response: Response
) -> PublicationOut:
    """One publication; `ETag` is its version, for `If-Match`."""
    async with gate.transaction() as uow:
        row = found(await uow.publications.get(publication_id, who.user_id))
    response.headers["ETag"] = f'"{row.version}"'
    return publication_out(row, lang)


@router.get(
    "/{publication_id}/timeline",
    response_model=Page[TimelineOut],
    operation_id="get_publication_timeline",
    responses=documented(401, 404, 422, 503),
)
async def history(
    publication_id: UUID,
    who: CallerDep,
    gate: GatewayDep,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[TimelineOut]:
    """What happened, oldest first."""
    after = _whole(decode(cursor, 1)[0]) if cursor else 0
    async with gate.transaction() as uow:
        found(await uow.publications.get(publication_id, who.user_id))
        lines = await uow.timeline.page(publication_id, after=after, limit=limit + 1)
    more = encode(int(lines[limit - 1]["id"])) if len(lines) > limit else None
    items = [TimelineOut.model_validate(line, from_attributes=True) for line in lines[:limit]]
    return Page(items=items, next_cursor=more)


@router.patch(
    "/{publication_id}",
    response_model=PublicationOut,
    operation_id="edit_publication",
    responses=documented(401, 403, 404, 409, 412, 413, 422, 503),
)
async def edit(
    publication_id: UUID,
    body: EditIn,
    who: CallerDep,
    gate: GatewayDep,
    lang: LangDep,
    if_match: Annotated[str | None, Header()] = None,
) -> PublicationOut:
    """Reschedule, or change texts and options, while it is scheduled."""
    changes = body.model_dump(exclude_unset=True)
    nulls = [name for name, value in changes.items() if value is None]
    if nulls:
        raise Problem(422, "invalid_request", flaws=[Flaw(n, "invalid_request") for n in nulls])
    async with gate.transaction() as uow:
        await uow.lock_user(who.user_id, shared=True)
        row = await _locked(uow, publication_id, who.user_id)
        plan_at = await require_plan(uow, who, row)
        if if_match is not None and not _names(if_match, row.version):
            raise Problem(412, "version_mismatch")
        if row.status is not Status.SCHEDULED:
            raise Problem(409, "not_scheduled")
        flaws = check_edit(
            row, changes, _adapter(gate, row.platform), await uow.now(), gate.horizon
        )
        if flaws:
            listed = [Flaw(flaw.field, flaw.code) for flaw in flaws]
            raise Problem(422, flaws[0].code, flaws=listed)
        edited = await edit_publication(uow, row, changes, plan_at=plan_at)
    if edited is None:
        raise Problem(409, "not_scheduled")
    return publication_out(edited, lang)


@router.post(
    "/{publication_id}/cancel",
    response_model=VerdictOut,
    responses=REQUESTED | documented(401, 404, 409, 422, 503),
    operation_id="cancel_publication",
)
async def cancel(
    publication_id: UUID, who: CallerDep, gate: GatewayDep, lang: LangDep, once: IdempotencyDep
) -> JSONResponse:
    """200 cancelled: nothing was or will be sent. 202: in flight. 409: too late."""
    async with gate.transaction() as uow:
        replayed = await once.replay(uow)
        if replayed is not None:
            return replayed
        row = await _locked(uow, publication_id, who.user_id)
        verdict, row = await cancel_publication(uow, row)
        if verdict is Verdict.TOO_LATE:
            raise Problem(409, "too_late")
        told = {
            "verdict": verdict,
            "publication": publication_out(row, lang).model_dump(mode="json"),
        }
        answer = await once.keep(uow, 200 if verdict is Verdict.CANCELLED else 202, told)
    failpoint("publisher.cancelled")
    return answer


@router.post(
    "/{publication_id}/retry",
    status_code=202,
    response_model=PublicationOut,
    operation_id="retry_publication",
    responses=documented(401, 403, 404, 409, 422, 503),
)
async def retry(
    publication_id: UUID, who: CallerDep, gate: GatewayDep, lang: LangDep, once: IdempotencyDep
) -> JSONResponse:
    """Try a failed publication again, from its last proven step."""
    try:
        async with gate.transaction() as uow:
            replayed = await once.replay(uow)
            if replayed is not None:
                return replayed
            await uow.lock_user(who.user_id, shared=True)
            row = await _locked(uow, publication_id, who.user_id)
            plan_at = await require_plan(uow, who, row)
            again = await retry_publication(uow, row, plan_at=plan_at)
            if again is None:
                raise Problem(409, "not_retryable")
            return await once.keep(uow, 202, publication_out(again, lang).model_dump(mode="json"))
    except DuplicatePublication:
        raise Problem(409, "duplicate_publication") from None


@router.post(
    "/{publication_id}/resolve",
    response_model=PublicationOut,
    operation_id="resolve_publication",
    responses=documented(401, 404, 409, 413, 422, 503),
)
async def resolve(
    publication_id: UUID,
    body: ResolveIn,
    who: CallerDep,
    gate: GatewayDep,
    lang: LangDep,
    once: IdempotencyDep,
) -> JSONResponse:
    """Say what a person found on the platform's page."""
    async with gate.transaction() as uow:
        replayed = await once.replay(uow)
        if replayed is not None:
            return replayed
        row = await _locked(uow, publication_id, who.user_id)
        done = await resolve_publication(
            uow,
            row,
            published=body.outcome == "published",
            post_id=body.post_id,
            url=body.url,
        )
        if done is None:
            raise Problem(409, "not_uncertain")
        return await once.keep(uow, 200, publication_out(done, lang).model_dump(mode="json"))


async def _locked(uow: Uow, publication_id: UUID, user_id: str) -> Publication:
    """What a person acts upon; the trace of that leads to the publication's own."""
    row = found(await uow.publications.lock(publication_id, user_id))
    trace.current().span.link(record.trace_of(row))
    return row


def _names(if_match: str, version: int) -> bool:
    """Whether `If-Match` lets a change of this version through (RFC 9110, 13.1.1)."""
    tags = [tag.strip().removeprefix("W/") for tag in if_match.split(",")]
    return "*" in tags or f'"{version}"' in tags


def _adapter(gate: Gateway, platform: Platform) -> Adapter:
    adapter = gate.adapters.get(platform)
    if adapter is None:  # switched off since the publication was made
        raise Problem(503, "platform_unavailable")
    return adapter


def _before(cursor: str | None) -> UUID | None:
    try:
        return UUID(decode(cursor, 1)[0]) if cursor else None
    except ValueError:
        raise _bad_cursor() from None


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise _bad_cursor()
    return int(text)


def _bad_cursor() -> Problem:
    return Problem(422, "invalid_request", flaws=[Flaw("cursor", "invalid_request")])
