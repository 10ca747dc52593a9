"""VK's wall and its idempotency key."""

from typing import Any

import httpx
import pytest

from sandbox.settings import Settings
from sandbox.world import World

pytestmark = pytest.mark.anyio


async def test_the_same_guid_posts_once(vk: Any, settings: Settings) -> None:
    first = await vk.call("wall.post", message="x", guid="g1")
    for _ in range(settings.vk_flood_equal + 2):  # a repetition is no flood
        await vk.pass_time(1)
        assert await vk.call("wall.post", message="x", guid="g1") == first
    await vk.pass_time(1)
    assert await vk.call("wall.post", message="x", guid="g2") != first
    assert (await vk.call("wall.get"))["count"] == 2


async def test_a_video_put_on_a_wall_twice_stands_in_the_ledger_twice(
    client: httpx.AsyncClient, vk: Any, mp4: Any
) -> None:
    key = await vk.post_video(mp4(), name="x", wallpost="1")

    async def seen() -> list[tuple[str, str]]:
        return [(one["post_id"], one["title"]) for one in (await client.get("/_ledger")).json()]

    assert await seen() == [(key, "x")]
    for guid in ("g", "g", "h"):
        await vk.pass_time(1)
        await vk.call("wall.post", attachments=f"video{key}", guid=guid)
    await vk.pass_time(1)
    await vk.call("wall.post", message="a text")
    owner = vk.account["user_id"]
    walled = [(f"wall{owner}_{number}_video{key}", "x") for number in (2, 3)]
    assert await seen() == [(key, "x"), *walled]


async def test_an_empty_post_and_a_lost_attachment_are_refused(vk: Any) -> None:
    assert (await vk.refused("wall.post"))["error_code"] == 100
    assert (await vk.refused("wall.post", attachments="video1_2"))["error_code"] == 100


async def test_only_editors_post_to_a_community(new_vk: Any) -> None:
    vk = await new_vk(communities=[{"role": "member"}, {"wall_closed": True}, {"role": "editor"}])
    member, closed, editor = (f"-{group['id']}" for group in vk.account["communities"])
    assert (await vk.refused("wall.post", owner_id=member, message="x"))["error_code"] == 214
    assert (await vk.refused("wall.post", owner_id=closed, message="x"))["error_code"] == 214
    await vk.call("wall.post", owner_id=editor, message="x", from_group="1")
    await vk.pass_time(1)
    [post] = (await vk.call("wall.get", owner_id=editor))["items"]
    assert post["from_id"] == int(editor)


async def test_a_postponed_post_is_not_yet_on_the_wall(vk: Any, world: World) -> None:
    later = str(int(world.clock.time()) + 600)
    await vk.call("wall.post", message="x", publish_date=later)
    assert (await vk.call("wall.get"))["count"] == 0
    await vk.pass_time(601)
    assert (await vk.call("wall.get"))["count"] == 1


async def test_the_wall_right_is_its_own(new_vk: Any) -> None:
    vk = await new_vk(scopes=["video"])
    assert (await vk.refused("wall.post", message="x"))["error_subcode"] == 1133
