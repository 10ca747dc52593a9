"""What the routes get from the application's state."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from common.auth.callers import Caller
from common.contracts.words import Plan
from common.http.problems import Problem, language
from publisher.app.ports import Uow
from publisher.domain.publication import Publication
from publisher.http.gateway import Gateway


def gateway(request: Request) -> Gateway:
    """The objects that wiring put together."""
    found: Gateway = request.app.state.gateway
    return found


def lang(request: Request) -> str:
    """The caller's language."""
    return language(request)


GatewayDep = Annotated[Gateway, Depends(gateway)]
LangDep = Annotated[str, Depends(lang)]


async def plan_of(uow: Uow, who: Caller) -> tuple[Plan, datetime]:
    """The newer of the token's plan and the latest PlanChanged (api.md, Auth), and since when."""
    heard = await uow.plans.get(who.user_id)
    if heard is not None and heard[1].timestamp() > who.issued_at:
        return heard
    return who.plan, datetime.fromtimestamp(max(0.0, who.issued_at), UTC)


def found(publication: Publication | None) -> Publication:
    """Other people's publications and missing ones look the same."""
    if publication is None:
        raise Problem(404, "not_found")
    return publication


async def require_plan(uow: Uow, who: Caller, publication: Publication) -> datetime:
    """Since when the plan covers it. Raises the problem of one that does not (any more)."""
    plan, plan_at = await plan_of(uow, who)
    if publication.platform not in plan.platforms:
        raise Problem(403, "plan_required")
    return plan_at
