"""Which plan a caller has at this moment."""

from common.contracts.words import Plan
from connections.app.ports import Uow
from connections.domain.plans import PlanWord, effective


async def plan_of(uow: Uow, user_id: str, claimed: PlanWord) -> Plan:
    """The newer of what the caller's token claims and what the host product said."""
    return effective(claimed, await uow.plans.find(user_id))
