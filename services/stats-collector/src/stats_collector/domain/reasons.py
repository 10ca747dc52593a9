"""Why a publication has no (fresh) numbers. The values are part of the interface."""

from enum import StrEnum


class Reason(StrEnum):
    """What `reason` says in answers and in StatsCollected."""

    NO_STATISTICS = "no_statistics"
    """The platform tells no statistics at all (Telegram)."""
    POST_UNKNOWN = "post_unknown"
    """A person said that it was published, but not as which post."""
    CONNECTION_EXPIRED = "connection_expired"
    """Watching waits until the account is connected again."""
    DISCONNECTED = "disconnected"
    """The account was removed; watching goes on if it comes back."""
    GONE = "gone"
    """The post is deleted, private or blocked on the platform."""
    NOT_ANSWERED = "not_answered"
    """The platform could not be asked for longer than it should take; it is tried on and on."""
    PROCESSING = "processing"
    """The platform is working on the post again and tells nothing meanwhile."""
