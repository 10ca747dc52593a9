"""Publisher's gateway with everything but what it keeps: the other side of POST's comparison.

It is the real application: the same route, token, models, validation, limits of VK and answer. Only
what would ask PostgreSQL answers at once, and nothing is written down.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from fastapi import FastAPI

from common.contracts.envelope import Event
from common.contracts.words import Platform
from publisher.domain.publication import Connection, Publication
from publisher.http.gateway import Gateway
from publisher.media.ports import MediaRef

USER = "bench"
CONNECTION = Connection(
    UUID("01900000-0000-7000-8000-000000000001"), USER, Platform.VK, "100", "Anna", "active", 1
)


class NoPace:
    """Whoever asks is not counted."""

    async def count(self, _key: str, _calls: int, _seconds: int) -> float:
        """Seconds to wait."""
        return 0.0


class NoPlans:
    """No PlanChanged was ever heard of: the token's plan counts."""

    async def get(self, _user_id: str) -> None:
        """None is known."""


class AtOnce:
    """A unit of work, with its parts, that keeps nothing and knows one account."""

    def __init__(self) -> None:
        self.publications = self.connections = self.timeline = self
        self.plans = NoPlans()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def get(self, _connection_id: UUID, _user_id: str) -> Connection:
        """The account."""
        return CONNECTION

    async def is_active(self, _connection_id: UUID, _clip_id: str) -> bool:
        """No clip is on its way."""
        return False

    async def aimed_at(
        self, _connection_id: UUID, _user_id: str, _clip_id: str
    ) -> tuple[Connection, bool]:
        """The account, to which no clip is on its way."""
        return CONNECTION, False

    async def add(self, _publications: Sequence[Publication], _kind: str) -> None:
        """Accepted."""

    async def lock_user(self, _user_id: str, *, shared: bool) -> datetime:
        """Nobody else is there."""
        del shared
        return datetime.now(UTC)

    async def now(self) -> datetime:
        """Our clock."""
        return datetime.now(UTC)

    async def claim_key(self, _user: str, _route: str, _key: str) -> bool:
        """Free."""
        return True

    async def answer(self, _user: str, _route: str, _key: str) -> Mapping[str, Any] | None:
        """None was given."""
        return None

    async def keep_answer(self, *_: object, **_more: object) -> None:
        """Not kept."""

    def tell(self, _event: Event, *, version: int) -> None:
        """Not told."""

    def then(self, _do: Callable[[], None]) -> None:
        """Not done."""


async def known_file(_user: str, *, key: str | None, url: str | None) -> MediaRef:
    """What the book of uploads would say of it."""
    return MediaRef(key, url, "clip.mp4", 10_000, None, None, 1.0, 320, 568)


def without_database(app: FastAPI, *, redis: bool) -> FastAPI:
    """The application, changed when it starts. Without `redis` nothing outside of the process is
    asked for anything."""
    started = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        async with started(application):
            real: Gateway = application.state.gateway
            changed: dict[str, Any] = {"transaction": AtOnce, "accept_media": known_file}
            if not redis:
                changed["pace"] = NoPace()
            application.state.gateway = replace(real, **changed)
            yield

    app.router.lifespan_context = lifespan
    return app
