"""The control plane: strict orders, a clock, accounts, and a reset that forgets."""

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_unknown_faults_are_refused_with_what_is_allowed(client: httpx.AsyncClient) -> None:
    order = {"platform": "vk", "step": "video.save", "kind": "captcha"}
    for name, value in (("platform", "ok"), ("step", "video.fly"), ("kind", "tired")):
        answer = await client.post("/_faults", json=order | {name: value})
        assert answer.status_code == 422
        assert "allowed:" in answer.json()["detail"]
    for wrong in ({"times": 0}, {"seconds": -1}, {"extra": 1}):
        assert (await client.post("/_faults", json=order | wrong)).status_code == 422


async def test_kinds_belong_to_their_steps(client: httpx.AsyncClient) -> None:
    body = {"platform": "vk", "step": "upload", "kind": "captcha"}
    assert (await client.post("/_faults", json=body)).status_code == 422


async def test_the_enums_of_faults_are_listed(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/_faults")).json()
    assert "drop_after" in listed["general"]
    assert "captcha" in listed["own"]["vk"]["video.save"]
    assert {"vk", "vkid", "vk_oauth"} <= set(listed["own"])


async def test_faults_are_served_in_order_and_as_often_as_asked(vk: Any, order: Any) -> None:
    await order("users.get", "token_refused", times=2)
    await order("users.get", "internal_error")
    codes = []
    for _ in range(4):
        await vk.pass_time(1)
        codes.append((await vk.answer("users.get")).get("error", {}).get("error_code"))
    assert codes == [5, 5, 10, None]


async def test_withdrawn_faults_do_not_happen(
    client: httpx.AsyncClient, vk: Any, order: Any
) -> None:
    await order("users.get", "internal_error", times=9)
    assert (await client.delete("/_faults")).status_code == 204
    await vk.call("users.get")


async def test_the_clock_only_moves_forward(client: httpx.AsyncClient) -> None:
    before = (await client.post("/_clock", json={"advance_seconds": 0})).json()["now"]
    after = (await client.post("/_clock", json={"advance_seconds": 3600})).json()["now"]
    assert after > before
    assert (await client.post("/_clock", json={"advance_seconds": -1})).status_code == 422


async def test_one_accounts_access_tokens_die_of_age_and_nobody_elses(
    client: httpx.AsyncClient, new_vk: Any
) -> None:
    expired, other = await new_vk(), await new_vk()
    order = {"platform": "vk", "account": expired.account["account"]}
    assert (await client.post("/_tokens/expire", json=order)).json() == {"expired": 1}
    assert (await expired.refused("users.get"))["error_subcode"] == 1117
    await other.call("users.get")
    assert (await client.post("/_tokens/expire", json=order)).status_code == 404


async def test_only_platforms_whose_tokens_expire_can_expire_one(client: httpx.AsyncClient) -> None:
    order = {"platform": "telegram", "account": "1"}
    answer = await client.post("/_tokens/expire", json=order)
    assert answer.status_code == 422
    assert "vk" in answer.json()["detail"]


async def test_unknown_overrides_and_platforms_are_refused(client: httpx.AsyncClient) -> None:
    wrong = {"platform": "vk", "colour": "red"}
    assert (await client.post("/_accounts", json=wrong)).status_code == 422
    assert (await client.post("/_accounts", json={"platform": "ok"})).status_code == 422


async def test_unknown_switches_are_refused_and_set_nothing(client: httpx.AsyncClient) -> None:
    body = {"vkid_payload_callback": True, "unknown": True}
    assert (await client.post("/_switches", json=body)).status_code == 422
    assert not (await client.get("/_switches")).json()["vkid_payload_callback"]["on"]


async def test_a_reset_forgets_everything(
    client: httpx.AsyncClient, vk: Any, order: Any, mp4: Any
) -> None:
    await vk.post_video(mp4(), name="x")
    await order("users.get", "internal_error")
    await client.post("/_clock", json={"advance_seconds": 10**6})
    assert (await client.delete("/_state")).status_code == 204
    assert (await client.get("/_ledger")).json() == []
    assert (await client.get("/_journal")).json() == []
    assert (await client.get("/_faults")).json()["faults"] == []
    assert (await vk.refused("users.get"))["error_code"] == 5


async def test_the_control_plane_is_not_in_the_journal(client: httpx.AsyncClient) -> None:
    await client.get("/healthz")
    await client.get("/_ledger")
    assert (await client.get("/_journal")).json() == []


async def test_the_journal_can_be_read_by_platform_step_and_position(
    client: httpx.AsyncClient, vk: Any
) -> None:
    await vk.call("users.get")
    await vk.call("video.get")
    entries = (await client.get("/_journal?platform=vk")).json()
    assert [entry["step"] for entry in entries] == ["users.get", "video.get"]
    later = (await client.get(f"/_journal?after={entries[0]['id']}")).json()
    assert later == entries[1:]
    assert (await client.get("/_journal?platform=telegram")).json() == []
