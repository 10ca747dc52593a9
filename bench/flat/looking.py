"""What is read of a running system every few seconds: one number for each thing that could grow."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import asyncpg
from redis import Redis

from bench.flat.arriving import Arriving
from bench.measuring.published import NotMeasured
from stack import Stack

Key = tuple[str, str]
"""Kind (bench.flat.verdict) and name."""
Sample = Mapping[Key, float]
MIB, KIB = 1 << 20, 1 << 10
KEPT = ("publications", "timeline", "watches", "samples", "audit")
"""Tables that forget nothing: they are held to what one publication takes."""
FORGETFUL = ("outbox", "inbox", "answers")
PLAYED = ("sandbox",)
"""Simulates the platforms' consent pages, and remembers every request."""
SIZES = """
SELECT t.relname AS of, c.relname AS name, c.relkind::text AS kind,
    pg_relation_size(c.oid) + CASE WHEN c.relkind = 'r' AND c.reltoastrelid <> 0
        THEN pg_total_relation_size(c.reltoastrelid) ELSE 0 END AS bytes
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
JOIN pg_class t ON t.oid = coalesce(i.indrelid, c.oid)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i')
"""
CONNECTIONS = """
SELECT application_name AS name, count(*) FROM pg_stat_activity
WHERE datname = ANY($1) AND pid <> ALL($2) GROUP BY 1
"""
ON_THEIR_WAY = """
SELECT count(*) FILTER (WHERE status IN ('scheduled', 'publishing')) AS open,
    count(*) FILTER (WHERE status = 'published') AS published,
    count(*) FILTER (WHERE status IN ('failed', 'cancelled', 'uncertain')) AS ended_else
FROM publications
"""
LEFT = """
SELECT status, stage, stage_why, step, step_state, attempt, failures,
    due_at - now() AS due, woken_at - now() AS woken, lease_until - now() AS leased,
    (SELECT array_agg(kind || coalesce(': ' || detail, '') ORDER BY id) FROM timeline
        WHERE publication_id = publications.id) AS timeline
FROM publications WHERE status <> 'published' ORDER BY id LIMIT 10
"""
ROWS = "SELECT count(*), count(*) FILTER (WHERE {unsent}) AS unsent FROM {table}"


class Looking:
    """Connections past the system's own."""

    def __init__(self, stack: Stack, arriving: Arriving) -> None:
        self._stack = stack
        self._arriving = arriving
        self._redis = Redis.from_url(stack.stores.redis)
        self._links: dict[str, Any] = {}
        self._born = {name: self._pid(name) for name in stack.members}

    async def __aenter__(self) -> Self:
        for service, url in self._stack.stores.databases.items():
            self._links[service] = await asyncpg.connect(url)
        return self

    async def __aexit__(self, *_: object) -> None:
        for link in self._links.values():
            await link.close()
        self._redis.close()

    async def look(self) -> Sample:
        """All of it. Raises NotMeasured when a process is not the one it was."""
        found: dict[Key, float] = {}
        found.update(self._processes())
        found.update(await asyncio.to_thread(lambda: dict(self._broker())))
        found.update(await asyncio.to_thread(self._cache))
        found.update(await self._connections())
        publications = await self._publications()
        found.update(publications)
        for service in self._links:
            found.update(await self._tables(service, publications["arrivals", "published"]))
        return found

    async def left(self) -> list[dict[str, Any]]:
        """The first publications that are not published, and why."""
        found = await self._links["publisher"].fetch(LEFT)
        texts = (timedelta, list)
        return [
            {name: str(one) if isinstance(one, texts) else one for name, one in row.items()}
            for row in found
        ]

    def _processes(self) -> Iterator[tuple[Key, float]]:
        for name, born in self._born.items():
            if name in PLAYED:
                continue
            if (pid := self._pid(name)) != born:
                raise NotMeasured(f"{name} ended in between")
            yield from _of_process(name, pid)
        for server in self._stack.servers.all:
            if server.name == "rabbitmq" and server.pid:
                yield ("server", "rabbitmq, memory"), _status(server.pid, "VmRSS:") / KIB

    def _pid(self, name: str) -> int:
        process = self._stack.members[name].process
        return process.pid if process else 0

    def _broker(self) -> Iterator[tuple[Key, float]]:
        api, vhost = self._stack.servers.rabbitmq.api, quote(self._stack.stores.name)
        _, queues = api("GET", f"/api/queues/{vhost}?columns=name,messages")
        for one in queues:
            kind = "never" if one["name"].endswith(".dead") else "waiting"
            yield (kind, f"queue {one['name']}"), one.get("messages", 0)
        _, links = api("GET", f"/api/vhosts/{vhost}/connections?columns=user,channels")
        for user, count in Counter(one.get("user", "?") for one in links).items():
            yield ("connections", f"RabbitMQ, {user.removeprefix(self._stack.stores.name)}"), count
        yield ("connections", "RabbitMQ, channels"), sum(one.get("channels", 0) for one in links)

    def _cache(self) -> Sample:
        return {
            ("cache", "Redis, MiB"): self._redis.info("memory")["used_memory"] / MIB,
            ("cache", "Redis, keys"): self._redis.dbsize(),
        }

    async def _connections(self) -> Sample:
        of = [url.rpartition("/")[2] for url in self._stack.stores.databases.values()]
        own = [link.get_server_pid() for link in self._links.values()]
        found = await self._links["publisher"].fetch(CONNECTIONS, of, own)
        return {("connections", f"PostgreSQL, {one['name']}"): one["count"] for one in found}

    async def _publications(self) -> dict[Key, float]:
        found = await self._links["publisher"].fetchrow(ON_THEIR_WAY)
        asked = self._arriving
        return {
            ("waiting", "publications on their way"): found["open"],
            ("never", "publications that failed"): found["ended_else"],
            ("never", "requests refused"): asked.refused.total(),
            ("late", "the next request"): asked.late,
            ("arrivals", "accepted"): asked.accepted,
            ("arrivals", "published"): found["published"],
        }

    async def _tables(self, service: str, published: float) -> Sample:
        link, found = self._links[service], dict[Key, float]()
        for one in await link.fetch(SIZES):
            name = f"{service}: {one['of']}"
            name += "" if one["kind"] == "r" else f", {one['name'].removeprefix(one['of'])[1:]}"
            if one["of"] in KEPT:
                found["a publication", name] = one["bytes"] / max(published, 1)
            else:
                found["size", name] = one["bytes"] / KIB
        for table in FORGETFUL:
            unsent = "sent_at IS NULL" if table == "outbox" else "false"
            row = await link.fetchrow(ROWS.format(table=table, unsent=unsent))
            found["rows", f"{service}: {table}"] = row["count"]
            if table == "outbox":
                found["waiting", f"{service}: facts unsent"] = row["unsent"]
        return found


def _of_process(name: str, pid: int) -> Iterator[tuple[Key, float]]:
    yield ("memory", name), _status(pid, "VmRSS:") / KIB
    yield ("files", name), sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    yield ("threads", name), _status(pid, "Threads:")


def _status(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))
