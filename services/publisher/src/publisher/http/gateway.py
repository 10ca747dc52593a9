"""What the publications gateway works with."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from common.contracts.words import Platform
from common.http.idempotency import Answers
from common.http.rates import Allowance
from common.pace import Pace
from platforms.port import Adapter
from publisher.app.ports import Uow
from publisher.app.requested import Horizon
from publisher.media.ports import MediaRef


class EdgeUow(Uow, Answers, Protocol):
    """The unit of work as the edge sees it: with the answers kept for Idempotency-Key."""


class EdgeTransaction(Protocol):
    """Opens one; leaving it commits."""

    def __call__(self) -> AbstractAsyncContextManager[EdgeUow]: ...


class Accept(Protocol):
    """Looks at a file before a publication is accepted, outside every transaction."""

    async def __call__(self, user: str, *, key: str | None, url: str | None) -> MediaRef:
        """What the file is. Raises media.errors.MediaError."""
        ...


@dataclass(frozen=True, slots=True)
class Gateway:
    """Put together in wiring.py."""

    transaction: EdgeTransaction
    adapters: Mapping[Platform, Adapter]
    accept_media: Accept
    horizon: Horizon
    pace: Pace
    publish_rate: Allowance
    patience: timedelta = timedelta(seconds=2)
    """An account connected a moment ago, or again, comes by an event: look before saying no."""
