"""VK API's front: versions, tokens, rights and the envelope of every refusal."""

from typing import Any

import httpx
import pytest

from sandbox.settings import Settings

pytestmark = pytest.mark.anyio

CODES = {
    "rate_limited": 6, "flood": 9, "quota": 29, "token_refused": 5, "token_expired": 5,
    "scope_missing": 15, "access_denied": 15, "user_deactivated": 18, "banned": 13000,
    "unknown_error": 1, "internal_error": 10, "method_timeout": 36, "video_access_denied": 204,
    "wall_access_denied": 214, "upload_error": 22, "advertisement": 219, "two_factor_needed": 704,
    "captcha": 14, "validation": 17,
}  # fmt: skip


async def test_a_token_may_come_as_a_parameter_or_as_a_bearer_header(
    client: httpx.AsyncClient, vk: Any
) -> None:
    token = vk.account["access_token"]
    params = {"v": "5.199", "access_token": token}
    by_query = await client.get("/vk/method/users.get", params=params)
    by_form = await client.post("/vk/method/users.get", data=params)
    by_multipart = await client.post(
        "/vk/method/users.get", files={name: (None, value) for name, value in params.items()}
    )
    await vk.pass_time(1)
    expected = await vk.call("users.get")
    for answer in (by_query, by_form, by_multipart):
        assert answer.json() == {"response": expected}
    assert by_query.headers["content-type"] == "application/json; charset=utf-8"
    journal = (await client.get("/_journal")).json()
    assert "the access token in the URL ends in logs" in journal[0]["warnings"]
    assert token not in (await client.get("/_journal")).text


async def test_the_version_is_required(vk: Any) -> None:
    assert (await vk.refused("users.get", v=""))["error_code"] == 8
    assert (await vk.refused("users.get", v="5.50"))["error_code"] == 8


async def test_unknown_methods_and_clip_methods_are_closed(vk: Any) -> None:
    assert (await vk.refused("shortVideo.create"))["error_code"] == 3
    assert (await vk.refused("Video.save"))["error_code"] == 3


async def test_missing_wrong_and_expired_tokens_are_told_apart(new_vk: Any) -> None:
    vk = await new_vk(expires_in=60)
    missing = await vk.refused("users.get", token="")
    assert (missing["error_code"], "no access_token" in missing["error_msg"]) == (5, True)
    assert "invalid access_token (4)" in (await vk.refused("users.get", token="x"))["error_msg"]
    await vk.pass_time(61)
    expired = await vk.refused("users.get")
    assert (expired["error_code"], expired["error_subcode"]) == (5, 1117)


async def test_the_envelope_echoes_the_request_without_its_token(vk: Any) -> None:
    error = await vk.refused("video.save", access_token=vk.account["access_token"], name="x" * 129)
    assert error["error_code"] == 100
    echoed = {pair["key"]: pair["value"] for pair in error["request_params"]}
    assert echoed == {"method": "video.save", "oauth": "1", "v": "5.199", "name": "x" * 129}


async def test_a_token_without_the_video_right_is_refused(new_vk: Any) -> None:
    vk = await new_vk(scopes=["wall"])
    error = await vk.refused("video.save", name="x")
    assert (error["error_code"], error["error_subcode"]) == (15, 1133)
    assert await vk.call("account.getAppPermissions") == 8192


async def test_a_community_token_cannot_save_videos(new_vk: Any) -> None:
    vk = await new_vk(communities=[{}])
    token = vk.account["communities"][0]["access_token"]
    assert (await vk.answer("video.save", token=token))["error"]["error_code"] == 27


async def test_communities_are_listed_by_role(new_vk: Any) -> None:
    vk = await new_vk(communities=[{"role": "admin"}, {"role": "editor"}, {"role": "member"}])
    ids = [group["id"] for group in vk.account["communities"]]
    assert (await vk.call("groups.get"))["items"] == ids
    assert (await vk.call("groups.get", filter="editor"))["items"] == ids[:2]
    admins = await vk.call("groups.get", filter="admin", extended="1")
    assert [group["id"] for group in admins["items"]] == ids[:1]


async def test_dead_and_banned_users_are_refused(new_vk: Any) -> None:
    deactivated = await new_vk(deactivated=True)
    assert (await deactivated.refused("users.get"))["error_code"] == 18
    banned = await new_vk(banned=True)
    assert (await banned.refused("video.save"))["error_code"] == 13000


@pytest.mark.parametrize(("kind", "code"), CODES.items())
async def test_each_refusal_can_be_ordered(vk: Any, order: Any, kind: str, code: int) -> None:
    await order("video.save", kind)
    error = await vk.refused("video.save", name="x")
    assert error["error_code"] == code
    assert error["error_msg"]
    assert (await vk.call("video.save", name="x"))["video_id"]


async def test_an_internal_error_may_come_after_the_video_was_reserved(vk: Any, order: Any) -> None:
    await order("video.save", "internal_error_after")
    assert (await vk.refused("video.save", name="x"))["error_code"] == 10
    assert (await vk.call("video.get"))["items"][0]["title"] == "x"


async def test_a_captcha_has_both_shapes(vk: Any, order: Any) -> None:
    await order("video.save", "captcha")
    error = await vk.refused("video.save")
    assert {"captcha_sid", "captcha_img", "redirect_uri", "remixstlid"} <= set(error)


async def test_the_edge_may_answer_429_without_a_delay(
    client: httpx.AsyncClient, order: Any
) -> None:
    await order("users.get", "rate_limited_no_delay")
    answer = await client.post("/vk/method/users.get", data={"v": "5.199"})
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers


async def test_three_calls_a_second_and_not_one_more(vk: Any) -> None:
    for _ in range(3):
        await vk.call("users.get")
    assert (await vk.refused("users.get"))["error_code"] == 6
    await vk.pass_time(1)
    await vk.call("users.get")


async def test_equal_actions_in_a_burst_are_flood(vk: Any, settings: Settings) -> None:
    for _ in range(settings.vk_flood_equal):
        await vk.call("video.save", name="same")
        await vk.pass_time(1)
    assert (await vk.refused("video.save", name="same"))["error_code"] == 9
    assert (await vk.call("video.save", name="another"))["video_id"]


async def test_the_daily_number_of_saves_is_limited_per_app(
    vk: Any, new_vk: Any, settings: Settings
) -> None:
    settings.vk_daily_saves = 2
    other = await new_vk()
    await vk.call("video.save", name="1")
    await other.call("video.save", name="2")
    assert (await vk.refused("video.save", name="3"))["error_code"] == 29
    await vk.pass_time(86400)
    await vk.call("video.save", name="3")
