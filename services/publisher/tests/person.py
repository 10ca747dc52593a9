"""Somebody who uses the publications gateway."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from common.contracts.words import Platform
from common.ids import new_id
from publisher.domain.publication import Connection, Publication
from support.people import bearer

from .lab import Lab

PATH = "/v1/publications"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Made once for all clients: to read every certificate anew would take longer than most tests."""


def ahead(**how_far: float) -> str:
    """A time to come, as JSON."""
    return (datetime.now(UTC) + timedelta(**how_far)).isoformat()


@dataclass
class Person:
    """A user with a client that carries their token."""

    user: str
    api: httpx.AsyncClient
    lab: Lab
    clip: bytes
    _key: str | None = None

    async def connect(self, platform: Platform | str = Platform.VK) -> Connection:
        """Another account."""
        return await self.lab.connection(self.user, Platform(platform))

    async def key(self) -> str:
        """A clip in the store."""
        if self._key is None:
            answer = await self.api.put("/v1/media/clip.mp4", content=self.clip)
            assert answer.status_code == 201, answer.text
            self._key = str(answer.json()["key"])
        return self._key

    async def body(self, *targets: Connection | dict[str, Any], **changed: Any) -> dict[str, Any]:
        """A request that nothing is wrong with; without a target, to a new VK account."""
        wanted = targets or (await self.connect(),)
        usual = {
            "clip_id": new_id().hex,
            "media": {"key": await self.key()},
            "title": "A clip",
            "description": "About it",
            "targets": [
                {"connection_id": str(one.id)} if isinstance(one, Connection) else one
                for one in wanted
            ],
        }
        return {name: one for name, one in (usual | changed).items() if one is not None}

    async def ask(self, *targets: Connection | dict[str, Any], **changed: Any) -> httpx.Response:
        """Ask for publications."""
        return await self.api.post(PATH, json=await self.body(*targets, **changed))

    async def publish(
        self, *targets: Connection | dict[str, Any], **changed: Any
    ) -> list[dict[str, Any]]:
        """Ask, and be accepted."""
        answer = await self.ask(*targets, **changed)
        assert answer.status_code == 202, answer.text
        found: list[dict[str, Any]] = answer.json()["publications"]
        return found

    async def one(self, **changed: Any) -> dict[str, Any]:
        """One accepted publication."""
        [found] = await self.publish(**changed)
        return found

    async def scheduled(self, **changed: Any) -> dict[str, Any]:
        """One for tomorrow."""
        return await self.one(schedule_at=ahead(days=1), **changed)

    async def get(self, publication: dict[str, Any]) -> dict[str, Any]:
        """As it is now."""
        answer = await self.api.get(f"{PATH}/{publication['id']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def row(self, publication: dict[str, Any]) -> Publication:
        """Its row."""
        async with self.lab.transaction() as uow:
            found = await uow.publications.get(publication["id"], self.user)
        assert found is not None
        return found

    async def count(self) -> int:
        """How many publications they have."""
        return len((await self.api.get(PATH, params={"limit": 200})).json()["items"])

    def with_plan(self, plan: str | None, **claims: Any) -> dict[str, str]:
        """Headers of the same person with another token."""
        return bearer(self.user, plan, **claims)


@asynccontextmanager
async def person(url: str, user: str, lab: Lab, clip: bytes) -> AsyncIterator[Person]:
    """Somebody who calls the gateway at this address."""
    async with httpx.AsyncClient(
        base_url=url, headers=bearer(user), timeout=30, trust_env=False, verify=TLS
    ) as api:
        yield Person(user, api, lab, clip)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and problem code."""
    found = answer.json()
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert set(found) >= {"type", "title", "status", "detail", "code"}
    assert found["status"] == answer.status_code
    return answer.status_code, str(found["code"])


def flaws_of(answer: httpx.Response) -> list[tuple[int | None, str, str]]:
    """Target, field and code of each thing that is wrong."""
    return [
        (one.get("target"), one["field"], one["code"]) for one in answer.json().get("errors", [])
    ]
