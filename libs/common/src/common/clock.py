"""The clock port: rules ask it for the time, so that tests may set it."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells an aware instant in UTC."""

    def now(self) -> datetime:
        """The present instant."""
        ...


class SystemClock:
    """The machine's clock. Leases and due times are decided by PostgreSQL's instead."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)
