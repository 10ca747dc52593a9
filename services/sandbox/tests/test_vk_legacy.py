"""VK's obsolete code flow."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sandbox.settings import Settings

pytestmark = pytest.mark.anyio


async def authorize(
    client: httpx.AsyncClient, settings: Settings, **changes: dict[str, Any]
) -> Any:
    params = {
        "client_id": settings.vk_publish_client_id,
        "redirect_uri": settings.vk_publish_redirect_uri,
        "response_type": "code",
        "scope": "video,wall,offline",
        "state": "s",
        "v": "5.199",
    }
    answer = await client.get("/vk-oauth/authorize", params=params | changes)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def exchange(
    client: httpx.AsyncClient, settings: Settings, code: Any, **changes: dict[str, Any]
) -> Any:
    form = {
        "client_id": settings.vk_publish_client_id,
        "client_secret": settings.vk_publish_client_secret.get_secret_value(),
        "redirect_uri": settings.vk_publish_redirect_uri,
        "code": code,
    }
    return await client.post("/vk-oauth/access_token", data=form | changes)


async def test_offline_tokens_never_expire(client: httpx.AsyncClient, settings: Settings) -> None:
    callback = await authorize(client, settings)
    assert callback["state"] == "s"
    answer = (await exchange(client, settings, callback["code"])).json()
    assert (answer["expires_in"], answer["user_id"]) == (0, 100001)
    assert answer["access_token"].startswith("vk1.a.")
    await client.post("/_clock", json={"advance_seconds": 10**8})
    bearer = {"authorization": f"Bearer {answer['access_token']}"}
    rights = await client.get("/vk/method/account.getAppPermissions?v=5.199", headers=bearer)
    assert rights.json() == {"response": 16 + 8192 + 65536}


async def test_without_offline_a_token_lives_a_day(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    callback = await authorize(client, settings, scope="8208")
    answer = (await exchange(client, settings, callback["code"])).json()
    assert answer["expires_in"] == 86400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "x"}, "invalid_grant"),
        ({"client_secret": "x"}, "invalid_client"),
        ({"client_id": "1"}, "invalid_client"),
        ({"redirect_uri": "http://x.test/"}, "invalid_grant"),
    ],
)
async def test_a_wrong_exchange_is_401(
    client: httpx.AsyncClient, settings: Settings, changes: dict[str, Any], error: str
) -> None:
    code = (await authorize(client, settings))["code"]
    answer = await exchange(client, settings, **({"code": code} | changes))
    assert (answer.status_code, answer.json()["error"]) == (401, error)


async def test_a_code_works_once(client: httpx.AsyncClient, settings: Settings) -> None:
    code = (await authorize(client, settings))["code"]
    assert (await exchange(client, settings, code)).status_code == 200
    assert (await exchange(client, settings, code)).status_code == 401


async def test_a_denial_names_its_reason(client: httpx.AsyncClient, settings: Settings) -> None:
    await client.post("/_consent", json={"mode": "deny"})
    callback = await authorize(client, settings)
    assert (callback["error"], callback["error_reason"]) == ("access_denied", "user_denied")


async def test_an_untrusted_address_is_not_redirected_to(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    params = {"client_id": settings.vk_publish_client_id, "redirect_uri": "http://x.test/"}
    assert (await client.get("/vk-oauth/authorize", params=params)).status_code == 400
