"""Gathers what a run left behind: publisher's rows, every outbox and queue, ledger and journal."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import aio_pika
import asyncpg

from chaos.history import Call, Line, Post, Row
from chaos.plan import PLATFORMS
from chaos.system import Sandbox
from servers import Servers
from stack import Stack

UNENDED = "SELECT count(*) FROM publications WHERE status IN ('scheduled', 'publishing')"
UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
POSTS_IN_CHAT = "sendVideo"
"""The one call that counts against a chat's pace; others only ask about the chat."""
TO_UPLOAD_HOSTS = {("vk", "upload"), ("dzen", "upload")}
TOO_MANY = 429
VK_TOO_MANY = {6, 9, 29}


class Observed(Protocol):
    """A system that can be looked at past all proxies."""

    @property
    def stack(self) -> Stack: ...
    @property
    def servers(self) -> Servers: ...
    @property
    def sandbox(self) -> Sandbox: ...
    @property
    def amqp(self) -> str: ...
    @property
    def databases(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Direct:
    """A system without proxies."""

    stack: Stack
    sandbox: Sandbox

    @property
    def servers(self) -> Servers:
        return self.stack.servers

    @property
    def amqp(self) -> str:
        return self.servers.addresses.rabbitmq.url(self.stack.stores.name)

    @property
    def databases(self) -> Mapping[str, str]:
        return self.stack.stores.databases


async def unended(system: Observed) -> int:
    """How many publications are still on their way."""
    return await _count(system, "publisher", UNENDED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Facts in outboxes by service, messages by queue."""

    facts: dict[str, int]
    messages: dict[str, int]
    dead: dict[str, int]

    @property
    def nothing(self) -> bool:
        """Nothing has to be done any more; what is dead is for people."""
        return not any((*self.facts.values(), *self.messages.values()))


async def waiting(system: Observed) -> Waiting:
    """What waits now."""
    facts = {name: await _count(system, name, UNSENT) for name in system.databases}
    vhost = quote(system.stack.stores.name)
    _, known = await asyncio.to_thread(
        system.servers.rabbitmq.api, "GET", f"/api/queues/{vhost}?columns=name"
    )
    found = Waiting(facts, {}, {})
    link = await aio_pika.connect(system.amqp, timeout=10)
    async with link:
        channel = await link.channel()
        for name in sorted(one["name"] for one in known):
            queue = await channel.declare_queue(name, passive=True)
            counts = found.dead if name.endswith(".dead") else found.messages
            counts[name] = queue.declaration_result.message_count or 0
    return found


async def begun(system: Observed, platforms: Sequence[str]) -> list[tuple[str, str]]:
    """Publications at work that nobody can see yet, with their users."""
    found = await _all(
        system,
        "SELECT id, user_id FROM publications WHERE status = 'publishing' AND NOT visible"
        " AND step IS NOT NULL AND NOT cancel_requested AND platform = ANY($1)",
        platforms,
    )
    return [(str(one["id"]), one["user_id"]) for one in found]


async def rows(system: Observed) -> list[Row]:
    """All publications."""
    found = await _all(
        system,
        "SELECT id, user_id, platform, title, status, version, schedule_at, post_id "
        "FROM publications ORDER BY id",
    )
    return [Row(**{**one, "id": str(one["id"])}) for one in found]


async def timelines(system: Observed) -> Mapping[str, list[Line]]:
    """By publication, oldest line first."""
    told: dict[str, list[Line]] = defaultdict(list)
    for one in await _all(
        system,
        "SELECT publication_id, at, kind, status, step, detail FROM timeline ORDER BY id",
    ):
        told[str(one.pop("publication_id"))].append(Line(**one))
    return told


def posts(system: Observed) -> list[Post]:
    """The ledger. A telegram post's title is its whole caption, title and text."""
    return [
        Post(
            one["platform"],
            one["post_id"],
            one["title"].partition("\n")[0],
            datetime.fromisoformat(one["at"]),
            datetime.fromisoformat(one["deleted_at"]) if one["deleted_at"] else None,
            fetched=one["sha256"] is not None,
        )
        for one in system.sandbox.ledger()
    ]


def calls(system: Observed, platforms: Sequence[str] = PLATFORMS) -> list[Call]:
    """Every API call of these platforms."""
    return [
        Call(
            platform,
            one["step"],
            datetime.fromisoformat(one["at"]),
            one["account"],
            _chat(one) if one["step"] == POSTS_IN_CHAT else None,
            throttled=one["fault"] is None and _too_many(one["answer"]),
        )
        for platform in platforms
        for one in system.sandbox.journal(platform)
        if (platform, one["step"]) not in TO_UPLOAD_HOSTS
    ]


def _chat(call: Mapping[str, Any]) -> str | None:
    for part in ("form", "json", "query"):
        values = call[part]
        if isinstance(values, dict) and "chat_id" in values:
            return str(values["chat_id"])
    return None


def _too_many(answer: Mapping[str, Any] | None) -> bool:
    """Rutube also says 429 to a sixth download at once: that limits files, not calls."""
    if not answer or "status" not in answer:
        return False
    body = answer["body"]
    if answer["status"] == TOO_MANY:
        return "uploaded at once" not in str(body)
    error = body.get("error") if isinstance(body, dict) else None
    return isinstance(error, dict) and error.get("error_code") in VK_TOO_MANY


async def _count(system: Observed, service: str, query: str) -> int:
    link = await asyncpg.connect(system.databases[service], timeout=5)
    try:
        return int(await link.fetchval(query, timeout=30))
    finally:
        await link.close()


async def _all(system: Observed, query: str, *values: object) -> list[dict[str, Any]]:
    link = await asyncpg.connect(system.databases["publisher"], timeout=5)
    try:
        return [dict(row) for row in await link.fetch(query, *values, timeout=60)]
    finally:
        await link.close()
