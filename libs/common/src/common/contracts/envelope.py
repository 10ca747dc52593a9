"""How a fact travels: CloudEvents 1.0, structured JSON, with our extensions."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Event(BaseModel):
    """A fact that one service tells. Readers ignore fields they don't know, for ever."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    """Name and version; a change that old readers can't take is a new version."""
    source: ClassVar[str]
    """The service that tells it; its exchange is `<source>.events`."""
    about: ClassVar[str]
    """The field that holds the aggregate's id."""
    for_us: ClassVar[bool] = True
    """Whether a service of ours listens: then reaching no queue is an error, and it is sent again.
    What only the world outside may care for can reach nobody."""

    @property
    def subject(self) -> str:
        """The id of the aggregate that this fact is about."""
        return str(getattr(self, self.about))

    @property
    def routing_key(self) -> str:
        """The type, followed by the platform where consumers scale by platform."""
        return self.type


class Envelope(BaseModel):
    """What lies on the wire. Field names are CloudEvents' own, hence the missing underscores."""

    model_config = ConfigDict(extra="ignore")

    specversion: str = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str = "application/json"
    data: dict[str, Any]
    traceparent: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    aggregateversion: int = Field(ge=0)
