"""Accepting and validating publications."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from common.contracts.words import Plan
from common.failpoint import failpoint
from common.http import rates
from common.http.callers import CallerDep
from common.http.idempotency import IdempotencyDep
from common.http.problems import Flaw, Problem, documented, say
from common.http.texts import Text
from publisher.app.check_request import check_request
from publisher.app.ports import DuplicatePublication, Uow
from publisher.app.request_publications import request_publications
from publisher.app.requested import Finding, Request, Target
from publisher.http.deps import GatewayDep, LangDep, plan_of
from publisher.http.gateway import Gateway
from publisher.http.present import publication_out
from publisher.http.schemas import (
    ProblemOut,
    PublicationsIn,
    PublicationsOut,
    TargetProblemsOut,
    ValidationOut,
)
from publisher.media.errors import (
    MediaError,
    MediaMissing,
    MediaRefused,
    MediaTooLarge,
    MediaUnavailable,
)
from publisher.media.ports import MediaRef

router = APIRouter(prefix="/v1/publications", tags=["publications"])
ORDER = {
    "plan_required": 403,
    "not_found": 404,
    "media_not_found": 404,
    "duplicate_publication": 409,
}
"""Codes that come before the 422 of the other checks, in api.md's order of problems."""


class Looked:
    """The request's media, looked at outside every transaction."""

    def __init__(self, ref: MediaRef | None, problem: str | None) -> None:
        self.ref, self.problem = ref, problem


async def _look(body: PublicationsIn, user: str, gate: Gateway) -> Looked:
    try:
        ref = await gate.accept_media(user, key=body.media.key, url=body.media.url)
    except MediaMissing:
        return Looked(None, "media_not_found")
    except MediaTooLarge:
        return Looked(None, "media_too_large")
    except MediaUnavailable:
        raise Problem(503, "service_unavailable", retry_after=5) from None
    except MediaRefused:  # an address that we do not fetch from
        return Looked(None, "invalid_request")
    except MediaError:
        return Looked(None, "media_not_video")
    return Looked(ref, None)


@router.post(
    "",
    status_code=202,
    response_model=PublicationsOut,
    operation_id="publish",
    responses=documented(401, 403, 404, 409, 413, 422, 429, 503),
)
async def publish(
    body: PublicationsIn,
    who: CallerDep,
    gate: GatewayDep,
    lang: LangDep,
    once: IdempotencyDep,
) -> JSONResponse:
    """Accept one clip for all targets, or refuse all and list what is wrong with each."""
    async with gate.transaction() as uow:
        replayed = await once.replay(uow)
        plan, _ = await plan_of(uow, who)
        usable = replayed is None and await _all_usable(uow, body, who.user_id)
    if replayed is not None:
        return replayed
    if not plan.platforms:  # before anything is fetched for somebody who may publish nowhere
        _refuse([Finding(at, "platform", "plan_required") for at in range(len(body.targets))])
    allowed = await rates.count(gate.pace, "publish", who.user_id, gate.publish_rate)
    media = Looked(None, None)
    if not allowed.wait:  # nothing costly for somebody who asks too often
        media = await _look(body, who.user_id, gate)
        if not usable:
            await _wait_for_recent_connection(gate, body, who.user_id)
    try:
        async with gate.transaction() as uow:
            replayed = await once.replay(uow)
            if replayed is not None:
                return replayed
            now = await uow.lock_user(who.user_id, shared=True)
            request = _request(body, who.user_id, media, *await plan_of(uow, who))
            checked = await check_request(uow, request, gate.adapters, gate.horizon)
            _refuse(checked.findings)
            allowed.require()
            connections = tuple(one for one in checked.connections if one is not None)
            rows = await request_publications(uow, request, connections, now)
            found = PublicationsOut(publications=[publication_out(row, lang) for row in rows])
            answer = await once.keep(uow, 202, found.model_dump(mode="json"))
    except DuplicatePublication:
        raise Problem(409, "duplicate_publication") from None
    failpoint("publisher.accepted")
    return answer


@router.post(
    "/validate",
    response_model=ValidationOut,
    operation_id="validate_publications",
    responses=documented(401, 413, 422, 503),
)
async def validate(
    body: PublicationsIn, who: CallerDep, gate: GatewayDep, lang: LangDep
) -> ValidationOut:
    """Only the checks; nothing is written."""
    allowed = await rates.count(gate.pace, "validate", who.user_id, gate.publish_rate)
    allowed.require()
    media = await _look(body, who.user_id, gate)
    await _wait_for_recent_connection(gate, body, who.user_id)
    async with gate.transaction() as uow:
        request = _request(body, who.user_id, media, *await plan_of(uow, who))
        checked = await check_request(uow, request, gate.adapters, gate.horizon)
    targets = [
        TargetProblemsOut(
            index=index,
            problems=[
                ProblemOut(field=one.field, code=one.code, detail=_say(one, lang))
                for one in checked.findings
                if one.target in (None, index)
            ],
        )
        for index in range(len(body.targets))
    ]
    return ValidationOut(ok=not checked.findings, targets=targets)


def _request(
    body: PublicationsIn, user: str, media: Looked, plan: Plan, plan_at: datetime
) -> Request:
    targets = tuple(
        Target(
            connection_id=one.connection_id,
            platform=one.platform,
            title=body.title if one.title is None else one.title,
            description=body.description if one.description is None else one.description,
            options=one.options,
        )
        for one in body.targets
    )
    return Request(
        user_id=user,
        plan=plan,
        clip_id=body.clip_id,
        media=media.ref.to_json() if media.ref else None,
        media_problem=media.problem,
        targets=targets,
        schedule_at=body.schedule_at,
        plan_at=plan_at,
    )


async def _wait_for_recent_connection(gate: Gateway, body: PublicationsIn, user: str) -> None:
    deadline = asyncio.get_running_loop().time() + gate.patience.total_seconds()
    while True:
        async with gate.transaction() as uow:
            if await _all_usable(uow, body, user):
                return
        if asyncio.get_running_loop().time() >= deadline:
            return
        await asyncio.sleep(0.1)


async def _all_usable(uow: Uow, body: PublicationsIn, user: str) -> bool:
    for target in body.targets:
        if target.connection_id is not None:
            known = [await uow.connections.get(target.connection_id, user)]
        else:
            assert target.platform is not None  # noqa: S101 - the schema demands one of the two
            known = [*await uow.connections.of_user(user, target.platform)]
        if not any(one and one.healthy for one in known):
            return False
    return True


def _refuse(findings: Sequence[Finding]) -> None:
    """Raise the problem that comes first in the order; all findings are listed."""
    if not findings:
        return
    first = min(findings, key=lambda one: ORDER.get(one.code, 422))
    flaws = [
        Flaw(one.field, one.code, Text(one.detail, one.detail) if one.detail else None, one.target)
        for one in findings
    ]
    raise Problem(ORDER.get(first.code, 422), first.code, flaws=flaws)


def _say(finding: Finding, lang: str) -> str:
    return finding.detail or say(finding.code, lang)
