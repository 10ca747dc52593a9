"""One clock for every expiry, window and delay, so that a test can move an hour ahead at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Real time plus what was added; never runs backwards, whatever the machine's clock does."""

    def __init__(self) -> None:
        self._started_wall = time.time()
        self._started = time.monotonic()
        self._ahead = 0.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._started_wall + (time.monotonic() - self._started) + self._ahead

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def stamp(self) -> str:
        """RFC 3339, UTC, microseconds."""
        return self.now().isoformat(timespec="microseconds").replace("+00:00", "Z")

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def reset(self) -> None:
        self._ahead = 0.0
