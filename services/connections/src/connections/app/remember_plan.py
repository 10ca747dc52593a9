"""PlanChanged: keeps the host product's latest word about a user's plan."""

from common.bus.subscription import Heard
from common.contracts.accounts import PlanChanged
from common.contracts.words import Plan
from connections.app.ports import Uow
from connections.domain.plans import PlanWord


async def remember_plan(uow: Uow, heard: Heard) -> None:
    """The newest `changed_at` wins, in whatever order the messages come."""
    fact: PlanChanged = heard.event
    await uow.plans.remember(fact.user_id, PlanWord(Plan.parse(fact.plan), fact.changed_at))
