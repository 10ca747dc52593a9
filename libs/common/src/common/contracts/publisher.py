"""What publisher tells: a publication's way from request to end."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from common.contracts.envelope import Event
from common.contracts.words import Platform


class PublicationEvent(Event):
    """Which publication, whose, and where to."""

    source: ClassVar[str] = "publisher"
    about: ClassVar[str] = "publication_id"

    publication_id: UUID
    user_id: str
    connection_id: UUID
    platform: Platform


class PublicationRequested(PublicationEvent):
    """A wake-up call for a worker: the row says what is due. Losing it loses nothing."""

    type: ClassVar[str] = "PublicationRequested.v1"

    @property
    def routing_key(self) -> str:
        """Routed by platform, because publishers scale by platform."""
        return f"{self.type}.{self.platform}"


class PublicationPublished(PublicationEvent):
    """The platform shows the post."""

    type: ClassVar[str] = "PublicationPublished.v1"

    clip_id: str
    account_id: str
    post_id: str
    url: str
    published_at: datetime


class PublicationFailed(PublicationEvent):
    """It ended without a post. `code` is a problem code, `reason` a key of platforms.reasons."""

    type: ClassVar[str] = "PublicationFailed.v1"
    for_us: ClassVar[bool] = False

    code: str
    reason: str


class PublicationCancelled(PublicationEvent):
    """It was called off and nothing is visible."""

    type: ClassVar[str] = "PublicationCancelled.v1"
    for_us: ClassVar[bool] = False

    why: str


class PublicationUncertain(PublicationEvent):
    """It may or may not be there; a person has to look."""

    type: ClassVar[str] = "PublicationUncertain.v1"
    for_us: ClassVar[bool] = False

    step: str
