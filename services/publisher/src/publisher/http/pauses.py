"""Pausing and resuming, for operators."""

from datetime import datetime
from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, model_validator

from common.contracts.words import Platform
from common.http.callers import OperatorDep
from common.http.problems import Problem, documented
from publisher.app.pauses import Pause, Scope
from publisher.http.deps import GatewayDep
from publisher.http.schemas import Input, Word

router = APIRouter(prefix="/v1/pauses", tags=["operators"])


class PauseIn(Input):
    """What to pause or resume: a platform's name, or the id of a connection or user."""

    scope: Scope
    id: Word

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
    """One pause."""

    scope: Scope
    id: str
    paused_by: str
    created_at: datetime | None


class PausesOut(BaseModel):
    """All pauses."""

    items: list[PauseOut]
    next_cursor: None = None


@router.post(
    "", status_code=201, operation_id="pause", responses=documented(401, 404, 413, 422, 503)
)
async def pause(body: PauseIn, who: OperatorDep, gate: GatewayDep) -> PausesOut:
    """Nothing of it is started or claimed from now on. Answers all pauses."""
    async with gate.transaction() as uow:
        await uow.pauses.add(Pause(body.scope, body.id, who.user_id))
        found = await uow.pauses.all()
    return _out(found)


@router.delete(
    "", status_code=204, operation_id="resume", responses=documented(401, 404, 413, 422, 503)
)
async def resume(body: PauseIn, _who: OperatorDep, gate: GatewayDep) -> None:
    """What became due meanwhile starts at once."""
    async with gate.transaction() as uow:
        if not await uow.pauses.remove(body.scope, body.id):
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
            PauseOut(scope=one.scope, id=one.id, paused_by=one.paused_by, created_at=one.created_at)
            for one in found
        ]
    )
