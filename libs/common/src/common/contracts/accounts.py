"""What the host product tells us about its users."""

from datetime import datetime
from typing import ClassVar

from common.contracts.envelope import Event


class PlanChanged(Event):
    """A user's plan is now `plan`; unknown names count as free."""

    type: ClassVar[str] = "PlanChanged.v1"
    source: ClassVar[str] = "accounts"
    about: ClassVar[str] = "user_id"

    user_id: str
    plan: str
    changed_at: datetime
