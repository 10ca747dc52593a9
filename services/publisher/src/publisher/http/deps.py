"""What the routes get from the application's state."""

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


async def plan_of(uow: Uow, who: Caller) -> Plan:
    """The newer of the token's plan and the latest PlanChanged wins (api.md, Auth)."""
    heard = await uow.plans.get(who.user_id)
    if heard is not None and heard[1].timestamp() > who.issued_at:
        return heard[0]
    return who.plan


def found(publication: Publication | None) -> Publication:
    """Other people's publications and missing ones look the same."""
    if publication is None:
        raise Problem(404, "not_found")
    return publication
