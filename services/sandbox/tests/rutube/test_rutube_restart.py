"""A restarted Rutube goes on where it was, and its secrets are not in the ledger."""

from collections import Counter
from pathlib import Path

import httpx
import pytest

from sandbox.app import create_app
from sandbox.rutube_accounts import DEMO_PASSWORD, DEMO_TOKEN
from sandbox.settings import Settings
from sandbox.world import World, make_world
from support.rutube_api import TOKEN, create, fetched, post_of, state, until

pytestmark = pytest.mark.anyio


def process(path: Path) -> tuple[World, httpx.AsyncClient]:
    world = make_world(Settings(ledger_file=path, processing_seconds=60, link_patience_seconds=60))
    transport = httpx.ASGITransport(app=create_app(world))
    return world, httpx.AsyncClient(transport=transport, base_url="http://sandbox.test")


async def test_an_edit_and_a_deletion_outlive_a_restart(tmp_path: Path, links: str) -> None:
    world, client = process(tmp_path / "ledger.jsonl")
    async with client:
        video_id = await create(client, f"{links}/clip.mp4")
        await until(lambda: fetched(client))
        world.clock.advance(31)
        gone = await create(client, f"{links}/clip.mp4")
        world.clock.advance(31)
        await client.delete(f"/rutube/api/video/{gone}/", headers=TOKEN)
        edit = {"title": "Новый", "is_hidden": True}
        await client.patch(f"/rutube/api/video/{video_id}/", json=edit, headers=TOKEN)
        before = await state(client, video_id)
    world, client = process(tmp_path / "ledger.jsonl")
    async with client:
        world.clock.advance(62)
        after = await state(client, video_id)
        told = ("title", "is_hidden", "track_id", "author", "duration")
        assert [after[name] for name in told] == [before[name] for name in told]
        assert (await client.get(f"/rutube/api/video/{gone}/", headers=TOKEN)).status_code == 404


async def test_a_download_that_a_restart_broke_off_begins_again(
    tmp_path: Path, links: str, asked: Counter[str]
) -> None:
    async def begun() -> bool:
        return asked["/late.mp4"] == 1

    _, client = process(tmp_path / "ledger.jsonl")
    async with client:
        video_id = await create(client, f"{links}/late.mp4")
        await until(begun)
        assert (await post_of(client))["sha256"] is None
    world, client = process(tmp_path / "ledger.jsonl")
    async with client:
        world.clock.advance(31)
        await state(client, video_id)
        await until(lambda: fetched(client))


async def test_the_ledger_tells_no_secret_of_the_author(
    client: httpx.AsyncClient, links: str
) -> None:
    await create(client, f"{links}/clip.mp4")
    told = (await client.get("/_ledger")).text
    assert DEMO_TOKEN not in told
    assert DEMO_PASSWORD not in told
