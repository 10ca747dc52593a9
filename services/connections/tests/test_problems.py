"""Every refusal: its status, its code, its language, and which of several comes first."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from common.ids import new_id
from support.gateway import DETAIL, Gateway
from support.people import bearer, token
from support.serving import serving

pytestmark = pytest.mark.anyio
RUTUBE = {"platform": "rutube", "token": "rt"}
TWO_MEGABYTES = 2_000_000
Asked = tuple[str, dict[str, str], str]
"""Path, body, and what the gateway is then asked for."""
CONNECT: Asked = ("/v1/connections", RUTUBE, "store")
AUTHORIZE: Asked = ("/v1/connections/vk/authorize", {}, "flow")
FINISH: Asked = ("/v1/connections/finish", {}, "finish")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (AUTHORIZE, 422, "invalid_request"),
        (FINISH, 403, "scope_missing"),
        (FINISH, 403, "access_denied"),
        (FINISH, 403, "state_invalid"),
        (FINISH, 409, "account_mismatch"),
        (FINISH, 503, "platform_unavailable"),
        (CONNECT, 422, "token_refused"),
        (CONNECT, 422, "no_right_to_post"),
        (CONNECT, 422, "invalid_request"),
        (CONNECT, 422, "human_needed"),
        (CONNECT, 503, "platform_unavailable"),
    ],
)
async def test_what_the_gateway_refuses_is_told_and_nothing_is_stored(
    api: httpx.AsyncClient, gateway: Gateway, user: str, asked: Asked, status: int, code: str
) -> None:
    path, body, kind = asked
    if kind == "finish":
        body = {"finish": gateway.consent(user, "vk", "100")}
    gateway.refuse(kind, status, code)
    answer = await api.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "detail", "code"}
    # A finish id that was refused is used up: asking again would help nobody.
    assert ("retry-after" in answer.headers) == (status == 503 and kind != "finish")
    assert answer.json()["detail"] == DETAIL
    assert (await api.get("/v1/connections")).json()["items"] == []


@pytest.mark.parametrize(
    ("status", "code"), [(500, "internal"), (401, "unauthorized"), (403, "no_such_code")]
)
async def test_a_gateway_that_fails_is_503_and_nothing_is_stored(
    api: httpx.AsyncClient, gateway: Gateway, status: int, code: str
) -> None:
    gateway.refuse("store", status, code)
    answer = await api.post("/v1/connections", json=RUTUBE)
    assert (answer.status_code, answer.json()["code"]) == (503, "platform_unavailable")
    assert "retry-after" in answer.headers
    assert (await api.get("/v1/connections")).json()["items"] == []


async def test_a_gateway_that_is_away_is_503(new_app: Any, user: str) -> None:
    app = new_app(oauth_gateway_url="http://127.0.0.1:1")
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, headers=bearer(user)) as api,
    ):
        answer = await api.post("/v1/connections", json=RUTUBE)
    assert (answer.status_code, answer.json()["code"]) == (503, "platform_unavailable")


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (None, "Ваш тариф"),
        ("en", "Your plan"),
        ("en-US,en;q=0.9,ru;q=0.8", "Your plan"),
        ("ru-RU,en;q=0.5", "Ваш тариф"),
        ("de", "Ваш тариф"),
    ],
)
async def test_people_are_answered_in_their_language(
    anonymous: httpx.AsyncClient, user: str, languages: str | None, expected: str
) -> None:
    headers = bearer(user, "free") | ({"Accept-Language": languages} if languages else {})
    answer = await anonymous.post("/v1/connections/vk/authorize", json={}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith(expected)


async def test_the_gateway_is_asked_to_explain_in_the_callers_language(
    api: httpx.AsyncClient, gateway: Gateway
) -> None:
    await api.post("/v1/connections", json=RUTUBE, headers={"Accept-Language": "en"})
    english = {"Accept-Language": "en"}
    await api.post("/v1/connections/vk/authorize", json={}, headers=english)
    await api.post("/v1/connections/finish", json={"finish": "f"})
    assert gateway.languages == ["en", "en", "ru"]


BAD_BODIES: list[tuple[str, Any]] = [
    ("/v1/connections", {"platform": "rutube", "token": "t", "status": "active"}),
    ("/v1/connections", {"platform": "rutube", "token": "t", "user_id": "somebody"}),
    ("/v1/connections", {"platform": "rutube", "token": "t", "owner": "somebody"}),
    ("/v1/connections", {"platform": "rutube", "token": "t", "id": str(new_id())}),
    ("/v1/connections", {"platform": "rutube", "token": "t", "granted": ["everything"]}),
    ("/v1/connections", {"platform": "rutube", "token": "t", "account": {"id": "1"}}),
    ("/v1/connections/vk/authorize", {"user_id": "somebody"}),
    ("/v1/connections", {"platform": "rutube", "token": "t", "channel": "@c"}),
    ("/v1/connections", {"platform": "telegram", "token": "t"}),
    ("/v1/connections", {"platform": "vk", "token": "t"}),
    ("/v1/connections", {"platform": "rutube", "token": ""}),
    ("/v1/connections", {"platform": "rutube", "token": 7}),
    ("/v1/connections", {"token": "t"}),
    ("/v1/connections", []),
    ("/v1/connections/vk/authorize", {"redirect_uri": "https://evil.example"}),
    ("/v1/connections/vk/authorize", {"connection_id": "7"}),
    ("/v1/connections/myspace/authorize", {}),
    ("/v1/connections/finish", {}),
    ("/v1/connections/finish", {"finish": "../../credentials/x/check"}),
    ("/v1/connections/finish", {"finish": "f", "user_id": "somebody"}),
]


@pytest.mark.parametrize(("path", "body"), BAD_BODIES)
async def test_a2_unknown_or_wrong_fields_are_refused_before_anything_happens(
    api: httpx.AsyncClient, gateway: Gateway, path: str, body: Any
) -> None:
    answer = await api.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"]
    assert gateway.calls == []


SECRET = "canary-token-value"


@pytest.mark.parametrize(
    "body",
    [
        {"platform": "rutube", "token": [SECRET], "x": SECRET},
        {"platform": SECRET, "token": SECRET},
        {"platform": "vk", "token": {"token": SECRET}},
        SECRET,
    ],
)
async def test_v7_a_refused_body_is_not_echoed(api: httpx.AsyncClient, body: object) -> None:
    answer = await api.post("/v1/connections", json=body)
    assert answer.status_code == 422
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", sorted({path for path, _ in BAD_BODIES if "myspace" not in path}))
@pytest.mark.parametrize("told", [True, False], ids=["length told", "chunked"])
async def test_a5_a_body_too_large_to_be_a_request_is_refused_unread(
    api: httpx.AsyncClient, gateway: Gateway, path: str, told: bool
) -> None:
    """It is no JSON: whoever parsed it would say so."""
    answer = await api.post(
        path,
        content=b"{" * TWO_MEGABYTES if told else lump(TWO_MEGABYTES),
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "invalid_request")
    assert gateway.calls == []


async def lump(size: int) -> AsyncIterator[bytes]:
    """So many bytes, whose number is not told before."""
    for _ in range(size // 10_000):
        yield b"{" * 10_000


@pytest.mark.parametrize("platform", ["rutube", "telegram"])
async def test_a_platform_without_consent_page_can_not_be_authorized(
    api: httpx.AsyncClient, gateway: Gateway, platform: str
) -> None:
    answer = await api.post(f"/v1/connections/{platform}/authorize", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert gateway.calls == []


class TestWhichComesFirst:
    """401, 422 malformed body, 403 plan_required, 404, 409, 422 checks, 429."""

    async def test_401_before_a_malformed_body(self, anonymous: httpx.AsyncClient) -> None:
        for content in (b"{", b'{"platform":"vk","x":1}'):
            answer = await anonymous.post(
                "/v1/connections", content=content, headers={"Content-Type": "application/json"}
            )
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")

    async def test_a_malformed_body_before_the_plan(
        self, anonymous: httpx.AsyncClient, user: str
    ) -> None:
        answer = await anonymous.post(
            "/v1/connections", json={"platform": "rutube"}, headers=bearer(user, "free")
        )
        assert answer.status_code == 422

    async def test_the_plan_before_404(self, anonymous: httpx.AsyncClient, user: str) -> None:
        answer = await anonymous.post(
            "/v1/connections/vk/authorize",
            json={"connection_id": str(new_id())},
            headers=bearer(user, "free"),
        )
        assert answer.json()["code"] == "plan_required"

    async def test_404_before_the_checks(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(
            "/v1/connections/rutube/authorize", json={"connection_id": str(new_id())}
        )
        assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"nbf": 4_000_000_000},
    ],
)
async def test_a_token_that_proves_nobody_is_401(
    anonymous: httpx.AsyncClient, user: str, claims: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {token(user, **claims)}"}
    answer = await anonymous.get("/v1/connections", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
