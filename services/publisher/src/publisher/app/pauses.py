"""Pausing: an operator stops a platform, a connection or a user; nothing is lost meanwhile.

What is in a worker's hands goes on to the end of its claim; nothing new is claimed or started.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Scope(StrEnum):
    """What is paused."""

    PLATFORM = "platform"
    CONNECTION = "connection"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Pause:
    """`id` names the platform, connection or user."""

    scope: Scope
    id: str
    paused_by: str
    created_at: datetime | None = None


class Pauses(Protocol):
    """The rows."""

    async def add(self, pause: Pause) -> None:
        """Pausing twice is pausing once."""
        ...

    async def remove(self, scope: Scope, name: str) -> bool:
        """False when it was not paused."""
        ...

    async def all(self) -> list[Pause]:
        """Oldest first."""
        ...
