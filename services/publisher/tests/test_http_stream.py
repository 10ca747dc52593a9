"""Server-sent events: what changes about one's own publications, as it changes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from platforms.port import Guard

from .person import PATH, Person
from .scripted import Gate, Scripted

pytestmark = pytest.mark.anyio
STREAM = f"{PATH}/stream"


class Events:
    """What one open stream brought so far."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> dict[str, Any]:
        """The next event; its id and data."""
        event: dict[str, Any] = {}
        async with asyncio.timeout(10):
            async for line in self._lines:
                name, _, value = line.partition(":")
                if name in {"id", "event", "data"}:
                    event[name] = value.strip()
                elif not line and event:
                    break
        assert event["event"] == "publication"
        return event | {"data": json.loads(event["data"])}

    async def until(self, status: str) -> list[dict[str, Any]]:
        """Events up to the first with this status."""
        found = [await self.next()]
        while found[-1]["data"]["status"] != status:
            found.append(await self.next())
        return found


@asynccontextmanager
async def listening(me: Person, last: str | bytes | None = None) -> AsyncIterator[Events]:
    value = last.encode() if isinstance(last, str) else last
    headers = {b"Last-Event-ID": value} if value else None
    async with me.api.stream("GET", STREAM, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Events(answer.aiter_lines())


async def test_every_step_of_a_publication_is_told_to_its_owner_alone(
    me: Person, stranger: Person, platform: Scripted
) -> None:
    platform.step("send", Guard.CHECKED, visible=True)
    half = Gate()

    async def upload(job: Any) -> None:
        await job.progress(len(me.clip) // 2)
        await half(job)

    platform.order("act:send", upload)
    before = await me.one()
    async with listening(me) as mine, listening(stranger) as theirs:
        found = await me.one()
        first = await mine.next()
        assert set(first["data"]) == {"id", "version", "status", "stage", "url"}
        assert first["data"]["id"] == found["id"] != before["id"]
        assert first["data"]["stage"]["name"] == "queued"
        work = asyncio.create_task(me.lab.attempt(await me.row(found)))
        told = await mine.next()
        while told["data"]["stage"]["percent"] is None:
            told = await mine.next()
        assert told["data"]["stage"]["percent"] == 49
        half.go.set()
        await work
        last = (await mine.until("published"))[-1]["data"]
        assert (last["id"], last["version"], last["stage"]) == (found["id"], 2, None)
        assert last["url"].startswith("https://")
        other = await stranger.one()
        assert (await theirs.next())["data"]["id"] == other["id"]


async def test_nothing_that_changes_after_the_answer_began_is_missed(me: Person) -> None:
    for _ in range(5):
        async with listening(me) as events:
            found = await me.one()
            assert (await events.next())["data"]["id"] == found["id"]


async def test_a_lost_stream_is_taken_up_where_it_broke_off(me: Person) -> None:
    async with listening(me) as events:
        first = await me.one()
        last = (await events.next())["id"]
    missed = [await me.one() for _ in range(3)]
    await me.api.post(f"{PATH}/{first['id']}/cancel")
    async with listening(me, last) as events:
        seen: dict[str, str] = {}
        while not (
            {one["id"] for one in missed} <= set(seen) and seen.get(first["id"]) == "cancelled"
        ):
            told = (await events.next())["data"]
            seen[told["id"]] = told["status"]


async def test_more_changes_than_fit_in_one_look_are_all_told(me: Person) -> None:
    """An agency's thousand publications fall due in the same second."""
    found = await me.scheduled()
    await me.lab.rows(
        "INSERT INTO publications (id, user_id, clip_id, connection_id, platform, account_id,"
        " title, description, options, media, status, schedule_at, due_at, traceparent,"
        " correlation_id, created_at, updated_at) SELECT gen_random_uuid(), user_id,"
        " 'clip-' || n, connection_id, platform, account_id, title, description, options, media,"
        " status, schedule_at, due_at, traceparent, correlation_id, created_at,"
        " created_at + make_interval(secs => n / 1000.0)"
        " FROM publications, generate_series(1, 1100) AS n WHERE id = :id",
        id=found["id"],
    )
    seen: set[str] = set()
    async with listening(me, "1") as events:
        while len(seen) < 1101:
            seen.add((await events.next())["data"]["id"])


@pytest.mark.parametrize("last", ["x", "-1", "99999999999999999999", "\u00b2"])
async def test_an_id_that_is_not_ours_begins_anew(me: Person, last: str) -> None:
    before = await me.one()
    async with listening(me, last.encode("latin-1")) as events:
        found = await me.one()
        assert (await events.next())["data"]["id"] == found["id"] != before["id"]
