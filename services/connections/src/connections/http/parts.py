"""What the routes work with; wiring puts it on the application."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from common.auth.callers import Caller
from common.http import rates
from common.http.callers import CallerDep
from common.http.idempotency import Answers
from common.http.rates import Allowance, Verdict
from common.pace import Pace
from connections.app.ports import Catalogue, Gateway, Uow
from connections.domain.plans import PlanWord


class EdgeUow(Uow, Answers, Protocol):
    """A transaction as the edge sees it: rows, and answers to idempotency keys."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything outside that a route may use."""

    transaction: Callable[[], AbstractAsyncContextManager[EdgeUow]]
    holds: AsyncEngine
    """For idempotency keys held across the network: apart, so that slow platforms can't use up
    the connections that reading needs."""
    gateway: Gateway
    catalogue: Catalogue
    pace: Pace
    connect_rate: Allowance


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


PartsDep = Annotated[Parts, Depends(_parts)]


async def _counted(who: CallerDep, parts: PartsDep) -> Verdict:
    return await rates.count(parts.pace, "connect", who.user_id, parts.connect_rate)


ConnectRateDep = Annotated[Verdict, Depends(_counted)]
"""Every request counts, whatever becomes of it; the 429 is raised by the route, last."""


def claimed_plan(who: Caller) -> PlanWord:
    """The plan in the caller's token, and when the token was issued."""
    return PlanWord(who.plan, datetime.fromtimestamp(who.issued_at, UTC))
