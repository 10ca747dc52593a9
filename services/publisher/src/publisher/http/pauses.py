"""Pausing and resuming, for operators."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StringConstraints

from common.http.callers import OperatorDep
from common.http.problems import Problem, documented
from publisher.app.pauses import Pause, Scope
from publisher.http.deps import GatewayDep

router = APIRouter(prefix="/v1/pauses", tags=["operators"])


class PauseIn(BaseModel):
    """What to pause or resume: a platform's name, or the id of a connection or user."""

    model_config = ConfigDict(extra="forbid")

    scope: Scope
    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]


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


@router.post("", status_code=201, operation_id="pause", responses=documented(401, 404, 422))
async def pause(body: PauseIn, who: OperatorDep, gate: GatewayDep) -> PausesOut:
    """Nothing of it is started or claimed from now on. Answers all pauses."""
    async with gate.transaction() as uow:
        await uow.pauses.add(Pause(body.scope, body.id, who.user_id))
        found = await uow.pauses.all()
    return _out(found)


@router.delete("", status_code=204, operation_id="resume", responses=documented(401, 404, 422))
async def resume(body: PauseIn, _who: OperatorDep, gate: GatewayDep) -> None:
    """What became due meanwhile starts at once."""
    async with gate.transaction() as uow:
        if not await uow.pauses.remove(body.scope, body.id):
            raise Problem(404, "not_found")


@router.get("", operation_id="list_pauses", responses=documented(401, 404))
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
