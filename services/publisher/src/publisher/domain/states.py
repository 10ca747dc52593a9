"""The one table of states. docs/states.md is generated from it."""

from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Where a publication stands."""

    SCHEDULED = "scheduled"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


MEANING: MappingProxyType[Status, str] = MappingProxyType(
    {
        Status.SCHEDULED: "Waits for its time; nothing was sent.",
        Status.PUBLISHING: "Due: queued, uploading, processing or waiting for another try.",
        Status.PUBLISHED: "The platform shows it.",
        Status.FAILED: "Ended without a post; can be retried.",
        Status.CANCELLED: "Called off; nothing is or will be visible.",
        Status.UNCERTAIN: "May or may not be there; a person has to look.",
    }
)

MOVES: MappingProxyType[Status, MappingProxyType[Status, str]] = MappingProxyType(
    {
        Status.SCHEDULED: MappingProxyType(
            {
                Status.PUBLISHING: "its time has come",
                Status.CANCELLED: "by the user, a disconnect or a smaller plan",
                Status.FAILED: "its connection stayed expired for longer than HOLD_MAX",
            }
        ),
        Status.PUBLISHING: MappingProxyType(
            {
                Status.PUBLISHED: "the platform shows it",
                Status.FAILED: "the last retry, or a permanent refusal",
                Status.CANCELLED: "asked for while nothing was visible yet",
                Status.UNCERTAIN: "a call that can't be repeated or looked up may have happened",
            }
        ),
        Status.FAILED: MappingProxyType({Status.PUBLISHING: "retried by the user"}),
        Status.UNCERTAIN: MappingProxyType(
            {
                Status.PUBLISHED: "a person found the post",
                Status.FAILED: "a person found no post",
            }
        ),
        Status.PUBLISHED: MappingProxyType({}),
        Status.CANCELLED: MappingProxyType({}),
    }
)

ACTIVE = (Status.SCHEDULED, Status.PUBLISHING, Status.UNCERTAIN)
"""While one of these, the same clip can't be published to the same connection again."""


class IllegalMove(Exception):
    """A change of status that the table does not know: a bug, never a user's fault."""


def check_move(start: Status, end: Status) -> None:
    """Raises IllegalMove unless the table has it."""
    if end not in MOVES[start]:
        raise IllegalMove(f"{start} -> {end}")
