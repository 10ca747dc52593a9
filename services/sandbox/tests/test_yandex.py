"""Yandex OAuth's simulator: one-time codes, Basic before body, refresh and revoke by its rules."""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sandbox.settings import Settings
from sandbox.world import World

pytestmark = pytest.mark.anyio

SETTINGS = Settings()
APP = SETTINGS.yandex_client_id
SECRET = SETTINGS.yandex_client_secret.get_secret_value()
CALLBACK = SETTINGS.yandex_redirect_uri
BODY_CREDENTIALS = {"client_id": APP, "client_secret": SECRET}
HALF_A_YEAR = 31_536_000 / 2


async def authorize(client: httpx.AsyncClient, **changes: Any) -> dict[str, str]:
    params = {
        "response_type": "code",
        "client_id": APP,
        "redirect_uri": CALLBACK,
        "scope": "zen:write zen:read",
        "state": "s" * 32,
        "device_id": "connection-1",
        **changes,
    }
    sent = {name: value for name, value in params.items() if value is not None}
    answer = await client.get("/yandex-oauth/authorize", params=sent)
    assert answer.status_code == 302, answer.text
    location = urlsplit(answer.headers["location"])
    assert location._replace(query="").geturl() == CALLBACK
    return dict(parse_qsl(location.query))


async def token(client: httpx.AsyncClient, **form: Any) -> httpx.Response:
    return await client.post("/yandex-oauth/token", data={**BODY_CREDENTIALS, **form})


async def exchange(client: httpx.AsyncClient, code: str, **form: Any) -> httpx.Response:
    return await token(client, grant_type="authorization_code", code=code, **form)


async def refresh(client: httpx.AsyncClient, refresh_token: str) -> httpx.Response:
    return await token(client, grant_type="refresh_token", refresh_token=refresh_token)


async def connected(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await exchange(client, (await authorize(client, **changes))["code"])
    assert answer.status_code == 200, answer.text
    pair: dict[str, Any] = answer.json()
    return pair


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def test_a_consent_gives_a_code_and_the_code_a_pair(client: httpx.AsyncClient) -> None:
    back = await authorize(client)
    assert back["state"] == "s" * 32
    assert len(back["code"]) == 16
    answer = await exchange(client, back["code"])
    pair = answer.json()
    assert (pair["token_type"], pair["expires_in"]) == ("bearer", 31_536_000)
    assert "scope" not in pair
    info = await client.get(
        "/yandex-login/info",
        params={"format": "json"},
        headers={"Authorization": f"OAuth {pair['access_token']}"},
    )
    assert info.json()["id"] == "1130000000000001"
    assert "default_email" not in info.json()


async def test_a_code_works_once_and_for_ten_minutes(
    client: httpx.AsyncClient, world: World
) -> None:
    code = (await authorize(client))["code"]
    assert (await exchange(client, code)).status_code == 200
    assert error(await exchange(client, code)) == (400, "invalid_grant")
    late = (await authorize(client))["code"]
    world.clock.advance(601)
    assert error(await exchange(client, late)) == (400, "invalid_grant")
    assert error(await exchange(client, "1234567")) == (400, "bad_verification_code")


async def test_a_denial_comes_back_as_access_denied(client: httpx.AsyncClient) -> None:
    await client.post("/_consent", json={"mode": "deny"})
    assert (await authorize(client))["error"] == "access_denied"


async def test_the_page_asks_a_person_and_may_grant_less(client: httpx.AsyncClient) -> None:
    await client.post("/_consent", json={"mode": "page"})
    params = {"response_type": "code", "client_id": APP, "scope": "zen:write zen:read"}
    page = (await client.get("/yandex-oauth/authorize", params=params)).text
    ticket = page.partition('action="')[2].partition('"')[0]
    form = {"decision": "allow", "account": "1130000000000001", "scope": "zen:read"}
    answer = await client.post(ticket, data=form)
    code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
    assert (await exchange(client, code)).json()["scope"] == "zen:read"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scope": "zen:write zen:admin"}, "invalid_scope"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"device_id": "short"}, "invalid_request"),
        ({"state": "s" * 1025}, "invalid_request"),
        ({"code_challenge": "c" * 43, "code_challenge_method": "S512"}, "invalid_request"),
    ],
)
async def test_a_bad_request_comes_back_with_its_error(
    client: httpx.AsyncClient, change: dict[str, str], code: str
) -> None:
    assert (await authorize(client, **change))["error"] == code


async def test_strangers_are_never_redirected(client: httpx.AsyncClient) -> None:
    good = {"response_type": "code", "client_id": APP}
    for bad in ({"client_id": "x"}, {"redirect_uri": CALLBACK + "/"}):
        answer = await client.get("/yandex-oauth/authorize", params=good | bad)
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_pkce_is_verified_when_it_was_used(client: httpx.AsyncClient) -> None:
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    right = (await authorize(client, **pkce))["code"]
    assert (await exchange(client, right, code_verifier=verifier)).status_code == 200
    for form in ({}, {"code_verifier": "w" * 43}):
        code = (await authorize(client, **pkce))["code"]
        assert error(await exchange(client, code, **form)) == (400, "invalid_grant")


async def test_basic_credentials_win_over_the_body(client: httpx.AsyncClient) -> None:
    form = {"grant_type": "authorization_code", "client_id": "x", "client_secret": "y"}
    form["code"] = (await authorize(client))["code"]
    url = "/yandex-oauth/token"
    assert (await client.post(url, data=form, auth=(APP, SECRET))).status_code == 200
    wrong = await client.post(url, data={**form, **BODY_CREDENTIALS}, auth=(APP, "wrong"))
    assert error(wrong) == (400, "invalid_client")
    malformed = await client.post(url, data=form, headers={"Authorization": "Basic ???"})
    assert error(malformed) == (401, "invalid_client")
    without = await client.post(url, data={"grant_type": "authorization_code", "code": "c"})
    assert error(without) == (401, "invalid_client")


async def test_unknown_grants_and_bodies_are_refused(client: httpx.AsyncClient) -> None:
    assert error(await token(client, grant_type="password")) == (400, "unsupported_grant_type")
    assert error(await token(client)) == (400, "invalid_request")
    body = {"grant_type": "refresh_token", **BODY_CREDENTIALS}
    answer = await client.post("/yandex-oauth/token", json=body)
    assert error(answer) == (400, "invalid_request")


async def test_an_early_refresh_keeps_the_access_token_and_a_late_one_changes_it(
    client: httpx.AsyncClient, world: World
) -> None:
    pair = await connected(client)
    early = (await refresh(client, pair["refresh_token"])).json()
    assert early["access_token"] == pair["access_token"]
    assert early["refresh_token"] != pair["refresh_token"]
    world.clock.advance(HALF_A_YEAR + 1)
    late = (await refresh(client, early["refresh_token"])).json()
    assert late["access_token"] != pair["access_token"]
    assert late["expires_in"] == 31_536_000


async def test_an_expired_access_token_is_refused_and_a_refresh_gives_another(
    client: httpx.AsyncClient,
) -> None:
    made = (await client.post("/_accounts", json={"platform": "dzen"})).json()
    order = {"platform": "dzen", "account": made["account"]}
    assert (await client.post("/_tokens/expire", json=order)).json() == {"expired": 1}

    async def look(access_token: str) -> int:
        headers = {"Authorization": f"OAuth {access_token}"}
        return (await client.get("/dzen/publisher/me", headers=headers)).status_code

    assert await look(made["access_token"]) == 401
    fresh = (await refresh(client, made["refresh_token"])).json()
    assert await look(fresh["access_token"]) == 200


async def test_an_older_refresh_token_dies_only_by_switch(client: httpx.AsyncClient) -> None:
    pair = await connected(client)
    await refresh(client, pair["refresh_token"])
    assert (await refresh(client, pair["refresh_token"])).status_code == 200
    await client.post("/_switches", json={"yandex_refresh_rotates": True})
    newest = (await refresh(client, pair["refresh_token"])).json()["refresh_token"]
    assert error(await refresh(client, pair["refresh_token"])) == (400, "invalid_grant")
    assert (await refresh(client, newest)).status_code == 200


async def test_tokens_die_with_their_year(client: httpx.AsyncClient, world: World) -> None:
    pair = await connected(client)
    world.clock.advance(31_536_001)
    headers = {"Authorization": f"OAuth {pair['access_token']}"}
    dead = await client.get("/yandex-login/info", headers=headers)
    assert (dead.status_code, dead.content) == (401, b"")
    assert error(await refresh(client, pair["refresh_token"])) == (400, "invalid_grant")


async def test_only_tokens_of_a_device_can_be_revoked(client: httpx.AsyncClient) -> None:
    async def revoke(access_token: str) -> httpx.Response:
        form = {"access_token": access_token, **BODY_CREDENTIALS}
        return await client.post("/yandex-oauth/revoke_token", data=form)

    loose = await connected(client, device_id=None)
    assert error(await revoke(loose["access_token"])) == (400, "unsupported_token_type")
    bound = await connected(client)
    assert (await revoke(bound["access_token"])).json() == {"status": "ok"}
    assert error(await revoke(bound["access_token"])) == (400, "invalid_grant")
    assert error(await refresh(client, bound["refresh_token"])) == (400, "invalid_grant")


async def test_the_oldest_of_more_than_thirty_devices_is_logged_out(
    client: httpx.AsyncClient,
) -> None:
    first = await connected(client, device_id="device-00")
    for number in range(1, 31):
        last = await connected(client, device_id=f"device-{number:02}")
    assert error(await refresh(client, first["refresh_token"])) == (400, "invalid_grant")
    assert (await refresh(client, last["refresh_token"])).status_code == 200


async def test_a_device_named_at_authorize_wins(client: httpx.AsyncClient) -> None:
    code = (await authorize(client))["code"]
    await exchange(client, code, device_id="another-device")
    entries = (await client.get("/_journal", params={"step": "token"})).json()
    assert "is ignored" in entries[-1]["warnings"][0]
