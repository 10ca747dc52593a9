"""VK ID's authorize page: what it refuses, and the ways it calls back."""

import json
import re
from typing import Any

import httpx
import pytest

from sandbox.settings import Settings
from sandbox.world import World

pytestmark = pytest.mark.anyio


async def test_a_consent_calls_back_with_code_device_and_state(vkid: Any) -> None:
    callback = vkid.callback(await vkid.authorize())
    assert callback["state"] == vkid.state
    assert callback["type"] == "code_v2"
    assert callback["expires_in"] == "600"
    assert {"code", "device_id", "ext_id"} <= set(callback)


async def test_the_callback_may_be_one_payload(vkid: Any, world: World) -> None:
    world.switches.set({"vkid_payload_callback": True})
    callback = vkid.callback(await vkid.authorize())
    assert set(callback) == {"payload"}
    payload = json.loads(callback["payload"])
    assert (await vkid.exchange(payload))["access_token"]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "short"},
        {"state": "x" * 31},
        {"state": "x" * 40 + "!"},
        {"state": None},
        {"code_challenge": None},
        {"code_challenge": "tooshort"},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"response_type": "token"},
        {"prompt": "maybe"},
        {"provider": "google"},
    ],
)
async def test_a_wrong_request_goes_back_as_invalid(vkid: Any, changes: dict[str, Any]) -> None:
    assert vkid.callback(await vkid.authorize(**changes))["error"] == "invalid_request"


async def test_an_unknown_scope_goes_back(vkid: Any) -> None:
    callback = vkid.callback(await vkid.authorize(scope="video flying"))
    assert callback["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "1"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1:8002/api/oauth/vk/callback/"},
        {"redirect_uri": None},
    ],
)
async def test_an_untrusted_address_is_never_redirected_to(
    vkid: Any, changes: dict[str, Any]
) -> None:
    answer = await vkid.authorize(**changes)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_further_trusted_addresses_come_from_the_settings(
    vkid: Any, settings: Settings
) -> None:
    uri = "http://127.0.0.1:9999/api/oauth/vk/callback"
    settings.sandbox_redirect_uris = f"http://other.test/x, {uri}"
    assert vkid.callback(await vkid.authorize(redirect_uri=uri))["code"]


async def test_a_person_may_deny_everything_or_one_scope(
    client: httpx.AsyncClient, vkid: Any
) -> None:
    await client.post("/_consent", json={"mode": "deny"})
    callback = vkid.callback(await vkid.authorize())
    assert (callback["error"], callback["state"]) == ("access_denied", vkid.state)
    await client.post("/_consent", json={"mode": "allow", "without": ["video"]})
    granted = await vkid.exchange(vkid.callback(await vkid.authorize()))
    assert set(granted["scope"].split()) == {"vkid.personal_info", "wall", "groups"}
    await client.post("/_consent", json={"mode": "allow", "scopes": ["video"]})
    granted = await vkid.exchange(vkid.callback(await vkid.authorize()))
    assert set(granted["scope"].split()) == {"vkid.personal_info", "video"}


async def test_a_person_may_log_in_as_another_account(client: httpx.AsyncClient, vkid: Any) -> None:
    await client.post("/_consent", json={"mode": "allow", "account": "100002"})
    assert (await vkid.exchange(vkid.callback(await vkid.authorize())))["user_id"] == 100002


async def test_the_page_offers_accounts_and_scopes_and_works_once(
    client: httpx.AsyncClient, vkid: Any
) -> None:
    await client.post("/_consent", json={"mode": "page"})
    page = await vkid.authorize()
    assert page.status_code == 200
    assert "Анна Клипова" in page.text
    action = re.search(r'action="([^"]+)"', page.text)[1]
    form = {"decision": "allow", "account": "100002", "scope": ["wall", "ads"]}
    granted = await vkid.exchange(vkid.callback(await client.post(action, data=form)))
    assert granted["user_id"] == 100002
    assert set(granted["scope"].split()) == {"vkid.personal_info", "wall"}  # ads was not asked
    assert (await client.post(action, data=form)).status_code == 410


async def test_a_denial_on_the_page_goes_back(client: httpx.AsyncClient, vkid: Any) -> None:
    await client.post("/_consent", json={"mode": "page"})
    action = re.search(r'action="([^"]+)"', (await vkid.authorize()).text)[1]
    form = {"decision": "deny", "account": "100001"}
    assert vkid.callback(await client.post(action, data=form))["error"] == "access_denied"


async def test_a_denial_can_be_ordered(vkid: Any, order: Any) -> None:
    await order("authorize", "access_denied", platform="vkid")
    assert vkid.callback(await vkid.authorize())["error"] == "access_denied"
