"""What Rutube does by itself to a video that people have seen."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.world import World, make_world
from support.rutube_api import TOKEN, create, fetched, post_of, state, until

pytestmark = pytest.mark.anyio

HOUR = 3600


async def published(client: httpx.AsyncClient, world: World, links: str) -> str:
    video_id = await create(client, f"{links}/clip.mp4")
    await until(lambda: fetched(client))
    world.clock.advance(HOUR)
    return video_id


async def suffers(client: httpx.AsyncClient, video_id: str, do: str, **more: Any) -> None:
    order = {"platform": "rutube", "post_id": video_id, "do": do, **more}
    answer = await client.post("/_posts", json=order)
    assert answer.status_code == 204, answer.text


async def votes_of(client: httpx.AsyncClient, video_id: str) -> int:
    return (await client.get(f"/rutube/api/numerator/video/{video_id}/vote")).status_code


async def test_a_second_moderation_looks_like_a_deletion_and_counts_nothing(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await published(client, world, links)
    before = await state(client, video_id)
    await suffers(client, video_id, "process", seconds=HOUR)
    again = await state(client, video_id)
    assert (again["is_deleted"], again["status"], again["hits"]) == (True, "processing", 0)
    assert again["action_reason"]["name"] == "moderation"
    assert await votes_of(client, video_id) == 404
    assert (await client.get(f"/rutube/api/video/{video_id}/")).status_code == 404
    world.clock.advance(HOUR)
    after = await state(client, video_id)
    assert (after["is_deleted"], after["status"]) == (False, "ready")
    assert after["hits"] > before["hits"] > 0
    assert (await post_of(client))["deleted_at"] is None


async def test_purged_views_are_gone_and_the_rest_goes_on_growing(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await published(client, world, links)
    before = (await state(client, video_id))["hits"]
    await suffers(client, video_id, "purge", views=before - 5)
    assert (await state(client, video_id))["hits"] == 5
    await suffers(client, video_id, "purge", views=10**9)
    assert (await state(client, video_id))["hits"] == 0
    world.clock.advance(HOUR)
    assert (await state(client, video_id))["hits"] == HOUR // 30


async def test_a_blocked_video_tells_its_author_so_until_it_is_restored(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await published(client, world, links)
    await suffers(client, video_id, "process", seconds=HOUR)
    await suffers(client, video_id, "block")
    blocked = await state(client, video_id)
    assert (blocked["is_deleted"], blocked["status"]) == (True, "error")
    assert blocked["action_reason"]["name"] == "blocked"
    assert (await post_of(client))["deleted_at"]
    await suffers(client, video_id, "restore")
    assert (await state(client, video_id))["status"] == "ready"
    assert (await post_of(client))["deleted_at"] is None


@pytest.mark.parametrize("before", [False, True])
async def test_a_hidden_video_says_so_until_it_is_as_before(
    client: httpx.AsyncClient, world: World, links: str, before: bool
) -> None:
    video_id = await published(client, world, links)
    edit = {"is_hidden": before}
    await client.patch(f"/rutube/api/video/{video_id}", json=edit, headers=TOKEN)
    for _ in range(2):
        await suffers(client, video_id, "hide")
    hidden = await state(client, video_id)
    assert (hidden["is_hidden"], hidden["is_deleted"], hidden["status"]) == (True, False, "ready")
    assert hidden["hits"] > 0
    assert await votes_of(client, video_id) == 200
    assert (await post_of(client))["deleted_at"] is None
    await suffers(client, video_id, "block")
    assert (await state(client, video_id))["is_hidden"] is True
    await suffers(client, video_id, "restore")
    assert (await state(client, video_id))["is_hidden"] is before


async def test_a_deleted_video_is_unknown_and_can_only_be_restored(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await published(client, world, links)
    await suffers(client, video_id, "delete")
    answer = await client.get(f"/rutube/api/video/{video_id}/", headers=TOKEN)
    assert answer.status_code == 404
    listed = await client.get("/rutube/api/video/person/", headers=TOKEN)
    assert listed.json()["results"] == []
    again = {"platform": "rutube", "post_id": video_id, "do": "delete"}
    assert (await client.post("/_posts", json=again)).status_code == 404
    await suffers(client, video_id, "restore")
    assert (await state(client, video_id))["hits"] > 0


async def test_a_video_that_is_not_fetched_yet_cannot_change(
    client: httpx.AsyncClient, links: str
) -> None:
    video_id = await create(client, f"{links}/stuck")
    order = {"platform": "rutube", "post_id": video_id, "do": "block"}
    assert (await client.post("/_posts", json=order)).status_code == 404


async def test_what_rutube_did_outlives_a_restart(tmp_path: Path, links: str) -> None:
    def process() -> tuple[World, httpx.AsyncClient]:
        world = make_world(Settings(ledger_file=tmp_path / "ledger.jsonl", processing_seconds=60))
        transport = httpx.ASGITransport(app=create_app(world))
        return world, httpx.AsyncClient(transport=transport, base_url="http://sandbox.test")

    world, client = process()
    async with client:
        video_id = await published(client, world, links)
        await suffers(client, video_id, "process", seconds=2 * HOUR)
        await suffers(client, video_id, "hide")
        await suffers(client, video_id, "delete")
    world, client = process()
    async with client:
        world.clock.advance(HOUR)
        gone = await client.get(f"/rutube/api/video/{video_id}/", headers=TOKEN)
        assert gone.status_code == 404
        await suffers(client, video_id, "restore")
        assert (await state(client, video_id))["is_hidden"] is False
        await suffers(client, video_id, "process", seconds=HOUR)
        await suffers(client, video_id, "hide")
    world, client = process()
    async with client:
        world.clock.advance(HOUR)
        again = await state(client, video_id)
        assert (again["status"], again["is_hidden"]) == ("processing", True)
        world.clock.advance(HOUR + 1)
        assert (await state(client, video_id))["status"] == "ready"
