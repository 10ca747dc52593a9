"""Routes that connect an account. Each checks in one transaction, asks the gateway outside of any,
and records in another; an idempotency key is held all the way."""

from typing import Any

from fastapi import APIRouter, Request, Response

from common.contracts.words import Platform
from common.failpoint import failpoint
from common.http.callers import CallerDep
from common.http.idempotency import Idempotency, IdempotencyDep
from common.http.problems import documented, language
from common.ids import new_id
from connections.app.link_account import link_account
from connections.app.may_connect import may_connect
from connections.domain.connection import Link
from connections.http.parts import ConnectRateDep, Parts, PartsDep, claimed_plan
from connections.http.schemas import (
    AuthorizeIn,
    AuthorizeOut,
    ConnectIn,
    ConnectionOut,
    FinishIn,
    TelegramIn,
)

router = APIRouter(prefix="/v1/connections", tags=["connecting"])
NOTHING = AuthorizeIn()
LINKED: dict[int | str, dict[str, Any]] = {
    200: {"model": ConnectionOut, "description": "The account was linked already; it is updated"}
}


@router.post(
    "/{platform}/authorize",
    operation_id="authorize",
    response_model=AuthorizeOut,
    responses=documented(401, 403, 404, 409, 422, 429, 503),
)
async def authorize(
    platform: Platform,
    request: Request,
    who: CallerDep,
    parts: PartsDep,
    rate: ConnectRateDep,
    idem: IdempotencyDep,
    body: AuthorizeIn = NOTHING,
) -> Response:
    """Start connecting VK or Дзен: the answer is the platform's own page to send the user to."""
    async with idem.held(parts.holds):
        async with parts.transaction() as uow:
            if replay := await idem.find(uow):
                return replay
            await may_connect(
                uow,
                parts.catalogue,
                user_id=who.user_id,
                claimed=claimed_plan(who),
                platform=platform,
                by="oauth",
                connection_id=body.connection_id,
            )
        rate.require()
        flow = await parts.gateway.start_flow(
            platform, who.user_id, body.connection_id, body.return_to, language(request)
        )
        async with parts.transaction() as uow:
            return await idem.keep(uow, 200, AuthorizeOut.of(flow).model_dump(mode="json"))


@router.post(
    "/finish",
    operation_id="finish",
    status_code=201,
    response_model=ConnectionOut,
    responses=LINKED | documented(401, 403, 409, 422, 503),
)
async def finish(
    body: FinishIn, request: Request, who: CallerDep, parts: PartsDep, idem: IdempotencyDep
) -> Response:
    """Finish what `authorize` started, with what the browser brought back.

    The plan was asked when it started; whether it covers a publication is asked again there.
    """
    async with idem.held(parts.holds):
        async with parts.transaction() as uow:
            if replay := await idem.find(uow):
                return replay
        link = await parts.gateway.finish_flow(body.finish, who.user_id, language(request))
        return await _linked(parts, idem, who.user_id, link)


@router.post(
    "",
    operation_id="connect",
    status_code=201,
    response_model=ConnectionOut,
    responses=LINKED | documented(401, 403, 409, 422, 429, 503),
)
async def connect(
    body: ConnectIn,
    request: Request,
    who: CallerDep,
    parts: PartsDep,
    rate: ConnectRateDep,
    idem: IdempotencyDep,
) -> Response:
    """Connect Rutube or Telegram by a token, which is verified before it is kept."""
    async with idem.held(parts.holds):
        async with parts.transaction() as uow:
            if replay := await idem.find(uow):
                return replay
            await may_connect(
                uow,
                parts.catalogue,
                user_id=who.user_id,
                claimed=claimed_plan(who),
                platform=body.platform,
                by="token",
            )
        rate.require()
        channel = body.channel if isinstance(body, TelegramIn) else None
        link = await parts.gateway.store_token(
            new_id(), body.platform, who.user_id, body.token, channel, language(request)
        )
        return await _linked(parts, idem, who.user_id, link)


async def _linked(parts: Parts, idem: Idempotency, user_id: str, link: Link) -> Response:
    failpoint("connections.granted")
    async with parts.transaction() as uow:
        linked = await link_account(uow, user_id, link)
        body = ConnectionOut.of(linked.connection, parts.catalogue).model_dump(mode="json")
        answer = await idem.keep(uow, 201 if linked.created else 200, body)
    failpoint("connections.linked")
    return answer
