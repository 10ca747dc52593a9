"""VK's videos from the reservation to the restored one."""

import hashlib
from typing import Any

import httpx
import pytest

from sandbox.world import World

pytestmark = pytest.mark.anyio


async def test_a_posted_video_is_in_the_ledger_with_its_hash(
    client: httpx.AsyncClient, vk: Any, mp4: Any
) -> None:
    content = mp4()
    key = await vk.post_video(content, name="Клип")
    [post] = (await client.get("/_ledger")).json()
    assert post["sha256"] == hashlib.sha256(content).hexdigest()
    assert (post["platform"], post["post_id"], post["bytes"]) == ("vk", key, len(content))
    assert (post["account"], post["title"]) == (vk.account["account"], "Клип")
    assert post["url"] == f"https://vk.com/clip{key}"


async def test_a_video_is_processed_before_it_is_ready(vk: Any, mp4: Any) -> None:
    key = await vk.post_video(mp4(seconds=15), name="x")
    [early] = (await vk.call("video.get", videos=key))["items"]
    assert (early["processing"], early["duration"]) == (1, 0)
    await vk.pass_time(60)
    [ready] = (await vk.call("video.get", videos=key))["items"]
    assert "processing" not in ready
    assert (ready["duration"], ready["width"], ready["height"]) == (15, 1080, 1920)
    assert ready["views"] >= 60
    assert {"count", "user_likes"} <= set(ready["likes"])


async def test_a_vertical_video_on_a_personal_page_becomes_a_clip(
    new_vk: Any, mp4: Any, world: World
) -> None:
    vk = await new_vk(communities=[{}])
    group = vk.account["communities"][0]["id"]
    vertical = await vk.post_video(mp4(), name="1")
    flat = await vk.post_video(mp4(1920, 1080), name="2")
    await vk.pass_time(10)
    in_group = await vk.post_video(mp4(), name="3", group_id=str(group))
    await vk.pass_time(10)
    items = (await vk.call("video.get", videos=f"{vertical},{flat},{in_group}"))["items"]
    assert [item["type"] for item in items] == ["short_video", "video", "video"]
    assert in_group.startswith(f"-{group}_")
    listed = (await vk.call("video.get"))["items"]
    assert [f"{item['owner_id']}_{item['id']}" for item in listed] == [flat]
    world.switches.set({"vk_vertical_stays_video": True})
    await vk.pass_time(1)
    [item] = (await vk.call("video.get", videos=vertical))["items"]
    assert item["type"] == "video"


async def test_a_reservation_without_bytes_has_no_processing_and_no_duration(vk: Any) -> None:
    saved = await vk.call("video.save", name="x")
    [item] = (await vk.call("video.get"))["items"]
    assert (item["id"], item["duration"]) == (saved["video_id"], 0)
    assert "processing" not in item


async def test_unknown_and_deleted_ids_are_omitted_in_silence(vk: Any, mp4: Any) -> None:
    key = await vk.post_video(mp4(), name="x")
    await vk.call("video.delete", video_id=key.split("_")[1])
    answer = await vk.call("video.get", videos=f"{key},1_2")
    assert answer == {"count": 0, "items": []}


@pytest.mark.parametrize("number", [str(2**63), "9" * 30])
async def test_an_id_beyond_63_bits_spoils_the_whole_call(vk: Any, mp4: Any, number: str) -> None:
    key = await vk.post_video(mp4(), name="x")
    for strange in (f"1_{number}", f"-{number}_1"):
        error = await vk.refused("video.get", videos=f"{key},{strange}")
        assert error["error_code"] == 100
    highest = f"{-(2**63 - 1)}_{2**63 - 1}"
    await vk.pass_time(1)
    assert (await vk.call("video.get", videos=f"{key},{highest}"))["count"] == 1


async def test_a_deleted_video_keeps_its_ledger_entry(
    client: httpx.AsyncClient, vk: Any, mp4: Any
) -> None:
    key = await vk.post_video(mp4(), name="x")
    video = key.split("_")[1]
    assert await vk.call("video.delete", video_id=video) == 1
    assert (await vk.refused("video.delete", video_id=video))["error_code"] == 204
    assert (await client.get("/_ledger")).json()[0]["deleted_at"]
    await vk.pass_time(1)
    assert await vk.call("video.restore", video_id=video) == 1
    assert (await client.get("/_ledger")).json()[0]["deleted_at"] is None


async def test_editing_uses_desc_and_ignores_description(
    client: httpx.AsyncClient, vk: Any, mp4: Any
) -> None:
    key = await vk.post_video(mp4(), name="x", description="old")
    video = key.split("_")[1]
    await vk.pass_time(1)
    await vk.call("video.edit", video_id=video, name="y", description="ignored")
    [item] = (await vk.call("video.get", videos=key))["items"]
    assert (item["title"], item["description"]) == ("y", "old")
    assert (await vk.call("video.edit", video_id=video, desc="new"))["success"] == 1
    await vk.pass_time(1)
    [item] = (await vk.call("video.get", videos=key))["items"]
    assert item["description"] == "new"
    warned = [entry["warnings"] for entry in (await client.get("/_journal?step=video.edit")).json()]
    assert any("`desc`" in text for text in warned[0])


async def test_unknown_parameters_and_python_booleans_are_noted(
    client: httpx.AsyncClient, vk: Any
) -> None:
    await vk.call("video.save", name="x", is_short="1", wallpost="False")
    [entry] = (await client.get("/_journal?step=video.save")).json()
    assert "video.save has no parameter is_short; it was ignored" in entry["warnings"]
    assert any("wallpost='False'" in text for text in entry["warnings"])


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"name": "x" * 129}, 100),
        ({"description": "x" * 5001}, 100),
        ({"group_id": "-5"}, 100),
        ({"group_id": "five"}, 100),
        ({"group_id": "200001"}, 15),
        ({"privacy_view": "everybody"}, 100),
        ({"album_id": "7"}, 204),
    ],
)
async def test_bad_parameters_of_a_reservation_are_refused(
    vk: Any, params: dict[str, str], code: int
) -> None:
    assert (await vk.refused("video.save", **params))["error_code"] == code


async def test_communities_may_refuse_a_video(new_vk: Any) -> None:
    vk = await new_vk(communities=[{"role": "member"}, {"needs_2fa": True}, {"wall_closed": True}])
    member, strict, closed = (str(group["id"]) for group in vk.account["communities"])
    assert (await vk.refused("video.save", group_id=member))["error_code"] == 15
    assert (await vk.refused("video.save", group_id=strict))["error_code"] == 704
    error = await vk.refused("video.save", group_id=closed, wallpost="1")
    assert error["error_code"] == 214


async def test_others_see_only_public_finished_uploads(vk: Any, new_vk: Any, mp4: Any) -> None:
    other = await new_vk()
    hidden = await vk.post_video(mp4(), name="1", privacy_view="only_me")
    shown = await vk.post_video(mp4(), name="2")
    found = await other.call("video.get", videos=f"{hidden},{shown}")
    assert [item["title"] for item in found["items"]] == ["2"]
    assert "access_key" not in found["items"][0]


async def test_search_finds_own_processed_videos_by_title(vk: Any, mp4: Any) -> None:
    await vk.post_video(mp4(), name="Утренний клип")
    assert (await vk.call("video.search", q="клип", search_own="1"))["count"] == 0
    await vk.pass_time(10)
    assert (await vk.call("video.search", q="КЛИП", search_own="1"))["count"] == 1


async def test_processing_may_restrict_lose_or_never_finish_a_video(
    vk: Any, order: Any, mp4: Any
) -> None:
    keys = []
    for kind in ("content_refused", "processing_fails", "processing_forever"):
        await order("upload", kind)
        keys.append(await vk.post_video(mp4(), name=kind))
        await vk.pass_time(1)
    await vk.pass_time(60)
    items = (await vk.call("video.get", videos=",".join(keys)))["items"]
    assert [item["title"] for item in items] == ["content_refused", "processing_forever"]
    assert items[0]["content_restricted"] == 1
    assert items[1]["processing"] == 1


async def test_a_reservation_may_appear_late(vk: Any, order: Any) -> None:
    await order("video.save", "appears_late")
    saved = await vk.call("video.save", name="x")
    key = f"{saved['owner_id']}_{saved['video_id']}"
    assert (await vk.call("video.get", videos=key))["count"] == 0
    await vk.pass_time(31)
    assert (await vk.call("video.get", videos=key))["count"] == 1


async def test_an_external_link_has_no_upload_url(vk: Any) -> None:
    assert "upload_url" not in await vk.call("video.save", link="https://example.com/v")
