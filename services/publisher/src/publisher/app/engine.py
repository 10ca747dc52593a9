"""What a worker needs to publish, as one value."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from common.contracts.words import Platform
from common.lending import Tokens
from platforms.port import Adapter
from publisher.app.ports import MediaSources, Transaction, Writes
from publisher.domain.burst import Burst


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that decide when something is done, and when no more."""

    lease: timedelta
    quarantine: timedelta
    retry_delays: tuple[timedelta, ...]
    burst: Burst | None = None
    """An account that takes more than this is paused; None never pauses."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The platforms, the vault, the media, the rows and the rules of time."""

    transaction: Transaction
    adapters: Mapping[Platform, Adapter]
    tokens: Tokens
    media: MediaSources
    policy: Policy
    turn: Callable[[Platform], Awaitable[None]]
    """Waits in a platform's line before work is begun. Raises NotYet."""
    write: Writes
    """Commits a small write, perhaps together with those of others that are at work."""
    stopping: asyncio.Event
    """Set when the process is told to stop: hand over between two steps."""
