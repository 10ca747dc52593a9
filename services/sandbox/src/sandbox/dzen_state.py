"""The videos of the assumed Дзен contract: drafts first, visible after publish and processing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel

Status = Literal["draft", "uploaded", "processing", "published", "hidden", "rejected"]
VIEWS_EVERY = timedelta(seconds=20)


class Video(BaseModel):
    """One video from draft to post."""

    id: str
    number: int
    author: str
    title: str
    description: str
    created: datetime
    upload_key: str
    sha256: str | None = None
    size: int | None = None
    ready_at: datetime | None = None
    rejected: bool = False
    busy_until: datetime | None = None
    purged: int = 0
    hidden: bool = False

    def status(self, now: datetime) -> Status:
        """Where it is."""
        if self.ready_at is None:
            return "draft" if self.sha256 is None else "uploaded"
        if now < max(self.ready_at, self.busy_until or self.ready_at):
            return "processing"
        if self.rejected:
            return "rejected"
        return "hidden" if self.hidden else "published"

    @property
    def url(self) -> str:
        """The address people open."""
        return f"https://dzen.ru/video/watch/{self.id}"

    def views(self, now: datetime) -> int:
        """They grow steadily from publication on, but for those that were bots'."""
        if self.ready_at is None or self.status(now) != "published":
            return 0
        return int((now - self.ready_at) / VIEWS_EVERY) - self.purged


class Pace:
    """Calls of one account: `rate` a second on average, and a burst of `BURST`; 0 is no limit."""

    BURST = 5

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._full_at: dict[str, float] = {}

    def wait(self, account: str, now: float) -> float:
        """Count one call and return 0, or the seconds until one would be accepted."""
        if not self._rate:
            return 0.0
        gap = 1 / self._rate
        due = max(self._full_at.get(account, now), now)
        ahead = due - now - gap * (self.BURST - 1)
        if ahead > 0:
            return ahead
        self._full_at[account] = due + gap
        return 0.0
