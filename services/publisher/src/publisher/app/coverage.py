"""Whether a user's plan still covers a publication that it covered when it was accepted."""

from datetime import datetime

from common.contracts.words import Plan
from publisher.app.ports import Line, Uow
from publisher.domain.publication import Publication


def covers(plan: Plan, changed_at: datetime, row: Publication) -> bool:
    """Whether it may still go out: the newer counts of the word under which it was accepted (a
    token's, perhaps) and the latest PlanChanged."""
    return row.platform in plan.platforms or (row.plan_at or row.created_at) >= changed_at


def later(plan_at: datetime | None, row: Publication) -> datetime | None:
    """Under which word it stands once another, maybe an older one, covered it as well."""
    known = row.plan_at or row.created_at
    return plan_at if plan_at is not None and plan_at > known else row.plan_at


async def call_off_uncovered(uow: Uow, claimed: Publication) -> Publication:
    """What a worker has just claimed, marked to be taken back if the plan shrank meanwhile."""
    known = await uow.plans.get(claimed.user_id)
    if claimed.cancel_requested or known is None or covers(*known, claimed):
        return claimed
    row = await uow.publications.change(
        claimed,
        fenced=True,
        cancel_requested=True,
        cancel_why="plan",
        line=Line("cancel_requested", detail="plan"),
    )
    assert row is not None  # noqa: S101 - claimed in this very transaction
    return row
