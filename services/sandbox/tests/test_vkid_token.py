"""VK ID's tokens: PKCE, one-time codes, rotation, and refusals with HTTP 200."""

from typing import Any

import httpx
import pytest

from sandbox.vkid_token import challenge_of
from sandbox.world import World

pytestmark = pytest.mark.anyio

OTHER_VERIFIER = "x" * 43


async def test_the_challenge_is_that_of_rfc_7636(vkid: Any) -> None:
    assert challenge_of(vkid.verifier) == vkid.challenge


async def test_a_code_gives_a_pair_that_the_api_accepts(
    client: httpx.AsyncClient, vkid: Any
) -> None:
    granted, _ = await vkid.connect()
    assert isinstance(granted["user_id"], int)
    assert granted["state"] == vkid.state
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    assert granted["id_token"].startswith("eyJ")
    bearer = {"authorization": f"Bearer {granted['access_token']}"}
    answer = await client.get("/vk/method/users.get?v=5.199", headers=bearer)
    assert answer.json()["response"][0]["id"] == granted["user_id"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": OTHER_VERIFIER}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": None}, "invalid_request"),
        ({"device_id": "another"}, "invalid_grant"),
        ({"device_id": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:1/"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"client_id": "1"}, "invalid_client"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"grant_type": "password"}, "invalid_request"),
    ],
)
async def test_a_wrong_exchange_is_refused(vkid: Any, changes: dict[str, Any], error: str) -> None:
    callback = vkid.callback(await vkid.authorize())
    params = {
        "grant_type": "authorization_code",
        "code": callback["code"],
        "device_id": callback["device_id"],
        "code_verifier": vkid.verifier,
        "redirect_uri": vkid.settings.vk_publish_redirect_uri,
    }
    answer = await vkid.token(**(params | changes))
    assert answer["error"] == error
    assert "access_token" not in answer


async def test_a_code_works_once_and_for_ten_minutes(client: httpx.AsyncClient, vkid: Any) -> None:
    callback = vkid.callback(await vkid.authorize())
    assert "access_token" in await vkid.exchange(callback)
    assert (await vkid.exchange(callback))["error"] == "invalid_grant"
    callback = vkid.callback(await vkid.authorize())
    await client.post("/_clock", json={"advance_seconds": 600})
    assert (await vkid.exchange(callback))["error"] == "invalid_grant"


async def test_a_wrong_verifier_spends_the_code(vkid: Any) -> None:
    callback = vkid.callback(await vkid.authorize())
    wrong = {**callback, "device_id": "another"}
    assert (await vkid.exchange(wrong))["error"] == "invalid_grant"
    assert (await vkid.exchange(callback))["error"] == "invalid_grant"


async def test_secrets_in_the_url_are_refused(client: httpx.AsyncClient, vkid: Any) -> None:
    granted, device = await vkid.connect()
    query = {
        "grant_type": "refresh_token",
        "client_id": vkid.settings.vk_publish_client_id,
        "device_id": device,
        "state": vkid.state,
        "refresh_token": granted["refresh_token"],
    }
    answer = await client.post("/vkid/oauth2/auth", params=query)
    assert (answer.status_code, answer.json()["error"]) == (200, "invalid_request")
    secret = query.pop("refresh_token")
    answer = await client.post("/vkid/oauth2/auth", params=query, data={"refresh_token": secret})
    assert "access_token" in answer.json()


async def test_a_refresh_rotates_and_the_old_token_dies(vkid: Any) -> None:
    first, device = await vkid.connect()
    second = await vkid.refresh(first["refresh_token"], device)
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert "id_token" not in second
    assert (await vkid.refresh(first["refresh_token"], device))["error"] == "invalid_grant"
    assert "access_token" in await vkid.refresh(second["refresh_token"], device)


async def test_a_reused_refresh_token_may_end_the_whole_session(vkid: Any, world: World) -> None:
    world.switches.set({"vkid_reuse_revokes_family": True})
    first, device = await vkid.connect()
    second = await vkid.refresh(first["refresh_token"], device)
    await vkid.refresh(first["refresh_token"], device)
    assert (await vkid.refresh(second["refresh_token"], device))["error"] == "invalid_grant"
    assert (await vkid.call("user_info", second["access_token"]))["error"] == "invalid_token"


async def test_a_refresh_may_end_older_access_tokens(vkid: Any, world: World) -> None:
    world.switches.set({"vkid_refresh_kills_access": True})
    first, device = await vkid.connect()
    second = await vkid.refresh(first["refresh_token"], device)
    assert (await vkid.call("user_info", first["access_token"]))["error"] == "invalid_token"
    assert "user" in await vkid.call("user_info", second["access_token"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"device_id": "another"}, "invalid_grant"),
        ({"client_id": "1"}, "invalid_client"),
        ({"refresh_token": "unknown"}, "invalid_grant"),
        ({"scope": "ads"}, "invalid_scope"),
        ({"state": None}, "invalid_request"),
    ],
)
async def test_a_wrong_refresh_is_refused_and_rotates_nothing(
    vkid: Any, changes: dict[str, Any], error: str
) -> None:
    granted, device = await vkid.connect()
    right = {"refresh_token": granted["refresh_token"], "device_id": device}
    answer = await vkid.token(**({"grant_type": "refresh_token"} | right | changes))
    assert answer["error"] == error
    assert "access_token" in await vkid.refresh(**right)


async def test_tokens_expire_on_the_sandboxs_clock(client: httpx.AsyncClient, vkid: Any) -> None:
    granted, device = await vkid.connect()
    await client.post("/_clock", json={"advance_seconds": 3600})
    assert (await vkid.call("user_info", granted["access_token"]))["error"] == "invalid_token"
    granted = await vkid.refresh(granted["refresh_token"], device)
    await client.post("/_clock", json={"advance_seconds": 181 * 86400})
    assert (await vkid.refresh(granted["refresh_token"], device))["error"] == "invalid_grant"


async def test_the_profile_has_a_string_id(vkid: Any) -> None:
    granted, _ = await vkid.connect()
    user = (await vkid.call("user_info", granted["access_token"]))["user"]
    assert user["user_id"] == str(granted["user_id"])
    assert "phone" not in user


async def test_revoke_ends_every_session_and_logout_only_its_own(vkid: Any) -> None:
    one, device = await vkid.connect()
    two, other_device = await vkid.connect()
    assert await vkid.call("logout", one["access_token"]) == {"response": 1}
    assert (await vkid.refresh(one["refresh_token"], device))["error"] == "invalid_grant"
    assert "user" in await vkid.call("user_info", two["access_token"])
    assert await vkid.call("revoke", two["access_token"]) == {"response": 1}
    assert (await vkid.refresh(two["refresh_token"], other_device))["error"] == "invalid_grant"
    assert (await vkid.call("revoke", two["access_token"]))["error"] == "invalid_token"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("rate_limited", "slow_down"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("server_error", "server_error"),
        ("invalid_client", "invalid_client"),
        ("token_refused", "invalid_grant"),
    ],
)
async def test_a_refused_refresh_can_be_ordered_and_rotates_nothing(
    vkid: Any, order: Any, kind: str, error: str
) -> None:
    granted, device = await vkid.connect()
    await order("refresh", kind, platform="vkid")
    assert (await vkid.refresh(granted["refresh_token"], device))["error"] == error
    assert "access_token" in await vkid.refresh(granted["refresh_token"], device)


async def test_a_refresh_may_rotate_and_still_say_it_failed(vkid: Any, order: Any) -> None:
    granted, device = await vkid.connect()
    await order("refresh", "temporarily_unavailable_after", platform="vkid")
    answer = await vkid.refresh(granted["refresh_token"], device)
    assert answer["error"] == "temporarily_unavailable"
    assert (await vkid.refresh(granted["refresh_token"], device))["error"] == "invalid_grant"


async def test_the_journal_shows_no_secret(client: httpx.AsyncClient, vkid: Any) -> None:
    granted, device = await vkid.connect()
    granted = await vkid.refresh(granted["refresh_token"], device)
    await vkid.call("user_info", granted["access_token"])
    journal = (await client.get("/_journal")).text
    for secret in (granted["access_token"], granted["refresh_token"], vkid.verifier):
        assert secret not in journal
    [refresh] = (await client.get("/_journal?step=refresh")).json()
    assert refresh["form"]["device_id"] == device
    assert refresh["form"]["refresh_token"].startswith("***")
