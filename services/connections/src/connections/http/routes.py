"""Routes over what is connected already: platforms, list, one, remove, test."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from common.failpoint import failpoint
from common.http.callers import CallerDep
from common.http.idempotency import IdempotencyDep
from common.http.paging import Cursor, Limit, Page, decode, encode
from common.http.problems import Flaw, Problem, documented
from connections.app.disconnect import disconnect
from connections.app.plan_of import plan_of
from connections.app.ports import CheckAnswer, CheckResult
from connections.app.record_check import record_check
from connections.app.refusals import GatewaySilent, NotFound
from connections.http.parts import PartsDep, claimed_plan
from connections.http.schemas import CheckOut, ConnectionOut, PlatformOut
from connections.http.texts import check_detail

router = APIRouter(prefix="/v1")


@router.get(
    "/platforms",
    operation_id="list_platforms",
    tags=["platforms"],
    responses=documented(401, 503),
)
async def list_platforms(who: CallerDep, parts: PartsDep) -> Page[PlatformOut]:
    """Every platform that is switched on, and whether the caller's plan opens it."""
    async with parts.transaction() as uow:
        plan = await plan_of(uow, who.user_id, claimed_plan(who))
    return Page(
        items=[
            PlatformOut.of(facts, allowed=platform in plan.platforms)
            for platform, facts in parts.catalogue.items()
        ]
    )


@router.get(
    "/connections",
    operation_id="list_connections",
    tags=["connections"],
    responses=documented(401, 422, 503),
)
async def list_connections(
    who: CallerDep, parts: PartsDep, limit: Limit = 50, cursor: Cursor = None
) -> Page[ConnectionOut]:
    """The caller's connections, newest first."""
    before = _before(cursor) if cursor else None
    async with parts.transaction() as uow:
        found = await uow.connections.page(who.user_id, before, limit + 1)
    shown = found[:limit]
    return Page(
        items=[ConnectionOut.of(one, parts.catalogue) for one in shown],
        next_cursor=encode(str(shown[-1].id)) if len(found) > limit else None,
    )


@router.get(
    "/connections/{connection_id}",
    operation_id="get_connection",
    tags=["connections"],
    responses=documented(401, 404, 422, 503),
)
async def get_connection(connection_id: UUID, who: CallerDep, parts: PartsDep) -> ConnectionOut:
    """One connection of the caller."""
    async with parts.transaction() as uow:
        known = await uow.connections.find(who.user_id, connection_id)
    if known is None:
        raise NotFound
    return ConnectionOut.of(known, parts.catalogue)


@router.delete(
    "/connections/{connection_id}",
    operation_id="delete_connection",
    tags=["connections"],
    status_code=204,
    responses=documented(401, 404, 422, 503),
)
async def delete_connection(connection_id: UUID, who: CallerDep, parts: PartsDep) -> None:
    """Disconnect: gone at once; scheduled publications are cancelled, tokens revoked and erased."""
    async with parts.transaction() as uow:
        await disconnect(uow, who.user_id, connection_id)
    failpoint("connections.disconnected")


@router.post(
    "/connections/{connection_id}/test",
    operation_id="test_connection",
    tags=["connections"],
    response_model=CheckOut,
    responses=documented(401, 404, 409, 422, 503),
)
async def test_connection(
    connection_id: UUID, request: Request, who: CallerDep, parts: PartsDep, idem: IdempotencyDep
) -> Response:
    """Ask the platform. Only a real refusal expires the connection, never silence."""
    async with idem.held(parts.holds):
        async with parts.transaction() as uow:
            if replay := await idem.find(uow):
                return replay
            asked = await uow.connections.find(who.user_id, connection_id)
        if asked is None:
            raise NotFound
        try:
            answer = await parts.gateway.check(connection_id)
        except GatewaySilent:
            answer = CheckAnswer(CheckResult.UNKNOWN, None)
        async with parts.transaction() as uow:
            known = await record_check(uow, asked, answer)
            body = CheckOut(
                result=answer.result,
                status=known.status,
                checked_at=known.checked_at,
                detail=check_detail(request, answer),
            )
            return await idem.keep(uow, 200, body.model_dump(mode="json"))


def _before(cursor: str) -> UUID:
    (text,) = decode(cursor, 1)
    try:
        return UUID(text)
    except ValueError:
        raise Problem(422, "invalid_request", flaws=[Flaw("cursor", "invalid_request")]) from None
