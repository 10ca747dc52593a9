"""Tables that turn a platform's own code into one of our errors."""

from dataclasses import dataclass
from datetime import timedelta

from platforms.answers import unclear
from platforms.errors import PlatformError, RateLimited
from platforms.reasons import Reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row: which error it is, what people read, how long to wait where nothing is told."""

    kind: type[PlatformError]
    reason: Reason | None = None
    wait: timedelta | None = None
    unclear: bool = False
    """The platform itself does not know whether it did what was asked."""

    def build(
        self, note: str, *, write: bool = False, told: timedelta | None = None
    ) -> PlatformError:
        """The error to raise; `told` is the wait that the platform asked for."""
        if self.unclear:
            return unclear(note, write=write)
        if issubclass(self.kind, RateLimited):
            return self.kind(told or self.wait or timedelta(seconds=30), self.reason, note=note)
        return self.kind(self.reason, note=note)
