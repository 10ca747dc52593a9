"""Pausing and resuming, for operators."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints, model_validator

from common.contracts.words import Platform
from common.http.callers import OperatorDep
from common.http.problems import Problem, documented
from publisher.app.pause_publishing import pause_publishing, resume_publishing
from publisher.app.pauses import Pause, Scope
from publisher.http.deps import GatewayDep
from publisher.http.schemas import STORABLE, Input, Word

router = APIRouter(prefix="/v1/pauses", tags=["operators"])


class PauseIn(Input):
    """What to pause or resume: a platform's name, or the id of a connection or user. The reason is
    for other operators; users don't see it."""

    scope: Scope
    id: Word
    reason: Annotated[str, StringConstraints(max_length=200, pattern=STORABLE)] | None = None

    @model_validator(mode="after")
    def _one_that_can_be(self) -> Self:
        match self.scope:
            case Scope.PLATFORM:
                Platform(self.id)
            case Scope.CONNECTION:
                self.id = str(UUID(self.id))
            case Scope.USER:
                pass
        return self


class PauseOut(BaseModel):
    """One pause. `paused_by` is who asked for it, or `burst`: it came by itself."""

    scope: Scope
    id: str
    paused_by: str
    reason: str | None
    created_at: datetime | None


class PausesOut(BaseModel):
    """All pauses."""

    items: list[PauseOut]
    next_cursor: None = None


@router.post(
    "", status_code=201, operation_id="pause", responses=documented(401, 404, 413, 422, 503)
)
async def pause(body: PauseIn, who: OperatorDep, gate: GatewayDep) -> PausesOut:
    """Nothing of it is begun from now on; a step that has begun ends. Answers all pauses."""
    async with gate.transaction() as uow:
        await pause_publishing(uow, Pause(body.scope, body.id, who.user_id, body.reason))
        found = await uow.pauses.all()
    return _out(found)


@router.delete(
    "", status_code=204, operation_id="resume", responses=documented(401, 404, 413, 422, 503)
)
async def resume(body: PauseIn, who: OperatorDep, gate: GatewayDep) -> None:
    """What became due meanwhile starts at once, as fast as its platform and account allow."""
    async with gate.transaction() as uow:
        resumed = await resume_publishing(
            uow, body.scope, body.id, by=who.user_id, reason=body.reason
        )
        if not resumed:
            raise Problem(404, "not_found")


@router.get("", operation_id="list_pauses", responses=documented(401, 404, 503))
async def listing(_who: OperatorDep, gate: GatewayDep) -> PausesOut:
    """Everything that is paused."""
    async with gate.transaction() as uow:
        found = await uow.pauses.all()
    return _out(found)


def _out(found: list[Pause]) -> PausesOut:
    return PausesOut(
        items=[
            PauseOut(
                scope=one.scope,
                id=one.id,
                paused_by=one.paused_by,
                reason=one.reason,
                created_at=one.created_at,
            )
            for one in found
        ]
    )
