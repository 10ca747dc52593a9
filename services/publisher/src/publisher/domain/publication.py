"""One publication as the rules see it: a frozen picture of its row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from common.contracts.words import Platform
from publisher.domain.states import Status


class Stage(StrEnum):
    """More about `publishing`."""

    QUEUED = "queued"
    WAITING = "waiting"
    UPLOADING = "uploading"
    PROCESSING = "processing"


class StepState(StrEnum):
    """What is committed about the current step."""

    READY = "ready"
    """Not begun, or proved not to have happened."""
    STARTED = "started"
    """Begun; without a later mark nobody knows whether it happened."""
    DONE = "done"
    """Its result is in the cursor."""


AFRESH: Mapping[str, Any] = MappingProxyType(
    {"step": None, "step_state": StepState.READY, "cursor": None, "visible": False}
)
"""The columns of a publication that begins with its first step."""


@dataclass(frozen=True, slots=True)
class Publication:
    """Field names are the table's columns."""

    id: UUID
    user_id: str
    clip_id: str
    connection_id: UUID
    platform: Platform
    account_id: str
    title: str
    description: str
    options: Mapping[str, Any]
    media: Mapping[str, Any]
    status: Status
    stage: Stage | None
    percent: int | None
    stage_until: datetime | None
    stage_why: str | None
    schedule_at: datetime | None
    due_at: datetime | None
    """When something has to happen next; None when nothing will."""
    failures: int
    """Attempts that failed since it was requested or retried."""
    attempt: int
    hold: str | None
    step: str | None
    step_state: StepState
    cursor: Mapping[str, Any] | None
    visible: bool
    """A step after which people can see the post has been done or may have been."""
    fence: int
    lease_until: datetime | None
    begun_at: datetime | None
    """When the present step was begun last."""
    cancel_requested: bool
    cancel_why: str | None
    plan_at: datetime | None
    """When the word about the plan was given under which it was accepted."""
    error_code: str | None
    error_reason: str | None
    post_id: str | None
    url: str | None
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    version: int
    traceparent: str
    correlation_id: str
    views: int | None
    likes: int | None
    shares: int | None
    comments: int | None
    stats_at: datetime | None
    stats_reason: str | None
    stats_version: int
    paused_by: str | None = None
    """Who paused its platform, account or user, if it is due; it stands in no column."""

    @property
    def held_back(self) -> bool:
        """A pause is all that keeps it from going on. What is in a worker's hands ends its step;
        what people may see by now, or what is called off, is seen to even while paused."""
        at_work = self.lease_until is not None or self.visible or self.cancel_requested
        return self.paused_by is not None and not at_work

    @property
    def untouched(self) -> bool:
        """No step was ever begun: nothing reached the platform."""
        return self.step is None


@dataclass(frozen=True, slots=True)
class Connection:
    """What publisher remembers of a connection, from connections' events."""

    id: UUID
    user_id: str
    platform: Platform
    account_id: str
    account_name: str
    status: str
    version: int

    @property
    def healthy(self) -> bool:
        """Whether publications may be sent now."""
        return self.status == "active"
