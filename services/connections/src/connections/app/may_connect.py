"""Whether a user may start connecting: plan first, then the connection that is to be renewed."""

from typing import Literal
from uuid import UUID

from common.contracts.words import Platform
from connections.app.plan_of import plan_of
from connections.app.ports import Catalogue, Uow
from connections.app.refusals import NotFound, PlanRequired, WrongPlatform
from connections.domain.plans import PlanWord


async def may_connect(
    uow: Uow,
    catalogue: Catalogue,
    *,
    user_id: str,
    claimed: PlanWord,
    platform: Platform,
    by: Literal["oauth", "token"],
    connection_id: UUID | None = None,
) -> None:
    """Raises PlanRequired, NotFound or WrongPlatform, in the order that api.md gives problems."""
    plan = await plan_of(uow, user_id, claimed)
    if platform not in plan.platforms:
        raise PlanRequired
    if connection_id is not None:
        known = await uow.connections.find(user_id, connection_id)
        if known is None or known.platform is not platform:
            raise NotFound
    facts = catalogue.get(platform)
    if facts is None or facts.connect != by:
        raise WrongPlatform
