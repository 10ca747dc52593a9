"""What the routes work with; wiring puts it on the application."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from common.clock import Clock
from stats_collector.app.ports import ReadingTransaction
from stats_collector.domain.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything outside that a route may use."""

    transaction: ReadingTransaction
    clock: Clock
    schedule: Schedule


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


PartsDep = Annotated[Parts, Depends(_parts)]
