"""Pausing: a platform, a connection or a user is stopped; nothing is sent or lost meanwhile.

Nothing new is claimed or started, and what is in a worker's hands is put back before its next step.
A step that has begun ends, and what people may see by now is followed to its end.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from publisher.domain.publication import Publication

BURST = "burst"
"""Stands in `paused_by` for what paused by itself."""


class Scope(StrEnum):
    """What is paused."""

    PLATFORM = "platform"
    CONNECTION = "connection"
    USER = "user"


class Action(StrEnum):
    """What the audit says was done."""

    PAUSED = "paused"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Pause:
    """`id` names the platform, connection or user; `reason` is for operators."""

    scope: Scope
    id: str
    paused_by: str
    reason: str | None = None
    created_at: datetime | None = None


class Pauses(Protocol):
    """The rows."""

    async def add(self, pause: Pause) -> bool:
        """Pausing twice is pausing once: then False. An operator takes over what paused by
        itself."""
        ...

    async def remove(self, scope: Scope, name: str) -> bool:
        """False when it was not paused."""
        ...

    async def all(self) -> list[Pause]:
        """Oldest first."""
        ...

    async def audit(
        self, action: Action, scope: Scope, name: str, *, by: str, reason: str | None
    ) -> None:
        """Who did what, when and why; nobody can change it afterwards."""
        ...

    async def resumed_at(self, publication: Publication) -> datetime | None:
        """When a pause that covered it ended last: it could not go out before."""
        ...
