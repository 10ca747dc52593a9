"""Rutube fetches the file itself, shows it late, and hides how it is doing."""

import hashlib
from datetime import datetime

import httpx
import pytest

from sandbox.world import World
from support.rutube_api import TOKEN, create, fetched, given_up, post_of, state, until

pytestmark = pytest.mark.anyio

MOSCOW_FORMAT = "%Y-%m-%d %H:%M:%S"


async def test_a_clip_is_fetched_hidden_moderated_and_then_published(
    client: httpx.AsyncClient, world: World, links: str, clip: bytes
) -> None:
    video_id = await create(client, f"{links}/clip.mp4")
    assert len(video_id) == 32
    assert (await client.get(f"/rutube/api/video/{video_id}/")).status_code == 404
    await until(lambda: fetched(client))
    world.clock.advance(31)
    waiting = await state(client, video_id)
    assert (waiting["is_deleted"], waiting["status"]) == (False, "processing")
    assert waiting["action_reason"]["name"] == "moderation"
    assert waiting["publication_ts"] is None
    world.clock.advance(60)
    shown = await state(client, video_id)
    assert (shown["status"], shown["duration"]) == ("ready", 4)
    assert shown["publication_ts"]
    assert shown["video_url"] == f"https://rutube.ru/video/{video_id}/"
    public = await client.get(f"/rutube/api/video/{video_id}")
    assert "status" not in public.json()
    post = await post_of(client)
    assert post["sha256"] == hashlib.sha256(clip).hexdigest()
    assert (post["bytes"], post["deleted_at"]) == (len(clip), None)


async def test_a_video_being_downloaded_calls_itself_deleted(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await create(client, f"{links}/stuck")
    world.clock.advance(31)
    shown = await state(client, video_id)
    assert shown["is_deleted"] is True
    assert shown["action_reason"]["name"] == "downloading_video"
    assert (await post_of(client))["sha256"] is None


@pytest.mark.parametrize("path", ["missing", "page", "stuck", "text.mp4"])
async def test_what_cannot_be_fetched_is_never_published(
    client: httpx.AsyncClient, world: World, links: str, path: str
) -> None:
    video_id = await create(client, f"{links}/{path}")
    await until(lambda: given_up(client))
    world.clock.advance(120)
    shown = await state(client, video_id)
    assert (shown["is_deleted"], shown["status"]) == (True, "error")
    assert shown["action_reason"]["name"] == "download_error"


async def test_moderators_may_refuse_what_was_fetched(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    order = {"platform": "rutube", "step": "create", "kind": "rejected"}
    await client.post("/_faults", json=order)
    video_id = await create(client, f"{links}/clip.mp4")
    await until(lambda: fetched(client))
    world.clock.advance(120)
    shown = await state(client, video_id)
    assert (shown["is_deleted"], shown["action_reason"]["name"]) == (True, "blocked")


async def test_each_create_makes_another_video(client: httpx.AsyncClient, links: str) -> None:
    one, two = [await create(client, f"{links}/clip.mp4") for _ in range(2)]
    assert one != two
    assert len((await client.get("/_ledger")).json()) == 2


async def test_only_five_files_are_fetched_at_once(client: httpx.AsyncClient, links: str) -> None:
    for _ in range(5):
        await create(client, f"{links}/stuck")
    sixth = await client.post("/rutube/api/video/", json={"url": links}, headers=TOKEN)
    assert sixth.status_code == 429
    assert "retry-after" not in sixth.headers


async def test_numbers_grow_with_time_and_need_no_token(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await create(client, f"{links}/clip.mp4")
    await until(lambda: fetched(client))
    world.clock.advance(3600)
    first = (await client.get(f"/rutube/api/video/{video_id}/")).json()
    world.clock.advance(36_000)
    later = (await client.get(f"/rutube/api/video/{video_id}/")).json()
    assert 0 < first["hits"] < later["hits"]
    assert later["comments_count"] > 0
    votes = (await client.get(f"/rutube/api/numerator/video/{video_id}/vote?client=wdp")).json()
    assert votes["positive"] > votes["negative"] > 0


async def test_a_publication_waits_for_its_moscow_time(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await create(client, f"{links}/clip.mp4")
    await until(lambda: fetched(client))
    world.clock.advance(31)
    local = datetime.fromtimestamp(world.clock.time() + 3 * 3600 + 600, world.clock.now().tzinfo)
    body = {"video": video_id, "timestamp": local.strftime(MOSCOW_FORMAT)}
    answer = await client.post("/rutube/api/video/publication/", json=body, headers=TOKEN)
    assert answer.json() == body
    world.clock.advance(300)
    assert (await state(client, video_id))["publication_ts"] is None
    world.clock.advance(301)
    assert (await state(client, video_id))["publication_ts"] is not None
