"""The full job that every peer does, as one would write it by hand on asyncio: read the row, three
small calls of the platform, a committed checkpoint after each, then the final update and an outbox
row in one commit. No lease, inbox, relay, fence, pace or trace.
"""
# mypy: disable-error-code="import-not-found"

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg

from bench.peers.given import AT_ONCE, CLIP, DATABASE, DONE, PLATFORM, READ, ROWS, STEP


class Publisher:
    """One process's connections; `publish` does one job."""

    def __init__(self, http: aiohttp.ClientSession, rows: Any) -> None:  # noqa: ANN401 - a pool
        self._http = http
        self._rows = rows

    async def publish(self, job: int) -> None:
        row = await self._rows.fetchrow(READ, job)
        headers = {"Authorization": f"Bearer {row['token']}"}
        wanted = {"v": "5.199", "name": row["title"], "description": row["description"]}

        saved = await self._post(f"{PLATFORM}/method/video.save", headers, wanted)
        cursor = saved["response"]
        await self._rows.execute(STEP, job, "reserve", json.dumps(cursor))

        await self._post(cursor["upload_url"], {"Content-Type": "video/mp4"}, CLIP)
        await self._rows.execute(STEP, job, "upload", json.dumps(cursor))

        post = f"{cursor['owner_id']}_{cursor['video_id']}"
        asked = {"v": "5.199", "videos": post}
        await self._post(f"{PLATFORM}/method/video.get", headers, asked)
        await self._rows.execute(STEP, job, "processed", json.dumps(cursor))

        await self._rows.execute(DONE, job, post, json.dumps({"job": job, "post_id": post}))

    async def _post(self, url: str, headers: dict[str, str], data: bytes | dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        async with self._http.post(url, headers=headers, data=data) as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def publisher() -> AsyncIterator[Publisher]:
    """Open the connections of this process."""
    limits = aiohttp.TCPConnector(limit=AT_ONCE)
    async with (
        aiohttp.ClientSession(connector=limits) as http,
        asyncpg.create_pool(DATABASE, min_size=ROWS, max_size=ROWS) as rows,
    ):
        yield Publisher(http, rows)
