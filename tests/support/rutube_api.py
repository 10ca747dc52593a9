"""Calls of the simulated Rutube, and what its ledger says of the one clip of a test."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from sandbox.rutube_accounts import DEMO_TOKEN

TOKEN = {"Authorization": f"Token {DEMO_TOKEN}"}


async def create(client: httpx.AsyncClient, url: str, **fields: Any) -> str:
    body = {"url": url, "title": "Клип", **fields}
    answer = await client.post("/rutube/api/video/", json=body, headers=TOKEN)
    assert answer.status_code == 201, answer.text
    video_id: str = answer.json()["video_id"]
    return video_id


async def state(client: httpx.AsyncClient, video_id: str) -> dict[str, Any]:
    answer = await client.get(f"/rutube/api/video/{video_id}/", headers=TOKEN)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def until(ready: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await ready():  # noqa: ASYNC110 - seen over HTTP only, there is no event
            await asyncio.sleep(0.01)


async def post_of(client: httpx.AsyncClient) -> dict[str, Any]:
    (post,) = (await client.get("/_ledger")).json()
    shown: dict[str, Any] = post
    return shown


async def fetched(client: httpx.AsyncClient) -> bool:
    return (await post_of(client))["sha256"] is not None


async def given_up(client: httpx.AsyncClient) -> bool:
    return (await post_of(client))["deleted_at"] is not None
