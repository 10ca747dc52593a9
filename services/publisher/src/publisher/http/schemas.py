"""What goes in and out of the publications gateway (api.md, publisher)."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from common.contracts.words import Platform
from publisher.domain.publication import Stage
from publisher.domain.states import Status

STORABLE = r"^[^\x00]*$"
"""PostgreSQL keeps every sign but this one."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=STORABLE)]
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=STORABLE)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=STORABLE)]
Address = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\x00\s]+$")]


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("no such time in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with its offset from UTC."""


class Input(BaseModel):
    """Unknown fields are refused, so that a typing error is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class MediaIn(Input):
    """A key of the media store, or an address on an allowed host."""

    key: Key | None = None
    url: Address | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.key is None) == (self.url is None):
            raise ValueError("give either key or url")
        return self


class TargetIn(Input):
    """Where to publish; texts and options here override the request's."""

    connection_id: UUID | None = None
    platform: Platform | None = None
    title: Text | None = None
    description: Text | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.connection_id is None) == (self.platform is None):
            raise ValueError("give either connection_id or platform")
        return self


class PublicationsIn(Input):
    """One clip to several targets, now or at a time with a UTC offset."""

    clip_id: Word
    media: MediaIn
    title: Text
    description: Text = ""
    targets: Annotated[list[TargetIn], Field(min_length=1, max_length=20)]
    schedule_at: Moment | None = None


class EditIn(Input):
    """Only what is sent is changed."""

    schedule_at: Moment | None = None
    title: Text | None = None
    description: Text | None = None
    options: dict[str, Any] | None = None


class ResolveIn(Input):
    """What a person found."""

    outcome: Literal["published", "failed"]
    url: Address | None = None
    post_id: Word | None = None


class StageOut(BaseModel):
    """More about `publishing`, and about a scheduled one that is due but paused."""

    name: Stage
    percent: int | None
    until: datetime | None
    why: str | None


class ErrorOut(BaseModel):
    """Why it failed, in the caller's language."""

    code: str
    detail: str


class StatsOut(BaseModel):
    """The latest counters; null where the platform does not tell."""

    views: int | None
    likes: int | None
    shares: int | None
    comments: int | None
    synced_at: datetime | None
    reason: str | None


class PublicationOut(BaseModel):
    """One publication."""

    id: UUID
    clip_id: str
    connection_id: UUID
    platform: Platform
    experimental: bool
    title: str
    description: str
    options: dict[str, Any]
    status: Status
    stage: StageOut | None
    schedule_at: datetime | None
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    post_id: str | None
    url: str | None
    attempt: int
    next_attempt_at: datetime | None
    hold: str | None
    hold_detail: str | None
    error: ErrorOut | None
    stats: StatsOut | None
    version: int


class PublicationsOut(BaseModel):
    """In the order of the targets."""

    publications: list[PublicationOut]


class VerdictOut(BaseModel):
    """What a cancel came to."""

    verdict: Literal["cancelled", "cancel_requested"]
    publication: PublicationOut


class ProblemOut(BaseModel):
    """One thing in the way."""

    field: str
    code: str
    detail: str


class TargetProblemsOut(BaseModel):
    """Everything in the way of one target."""

    index: int
    problems: list[ProblemOut]


class ValidationOut(BaseModel):
    """The answer of /validate."""

    ok: bool
    targets: list[TargetProblemsOut]


class TimelineOut(BaseModel):
    """One thing that happened."""

    at: datetime
    kind: str
    status: Status
    step: str | None
    attempt: int
    detail: str | None
    trace_id: str
