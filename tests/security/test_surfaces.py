"""What every public port shows, to whom, and with which headers (D2, D3)."""

import secrets
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from oauth_gateway.settings import GatewaySettings
from oauth_gateway.wiring import build, create_gateway
from support.people import JWT_SECRET, bearer
from support.people_apps import MAKERS, NOWHERE, SECRET, make

pytestmark = pytest.mark.anyio
OURS, THEIRS = "https://app.example", "https://evil.example"
SURFACES = ("/docs", "/redoc", "/openapi.json", "/metrics", "/docs/oauth2-redirect", "/debug")


def gateway(**settings: Any) -> FastAPI:
    own = {
        "platform_token_secret": secrets.token_hex(32),
        "frontend_url": OURS,
        "service_tokens": f"connections={SECRET}",
        "vk_publish_client_id": "1",
        "vk_publish_client_secret": "of the application",
        "vk_publish_redirect_uri": "https://api.example/api/oauth/vk/callback",
    }
    found = GatewaySettings(**NOWHERE | own | settings)
    return create_gateway(found, build(found))


APPS: dict[str, Callable[..., FastAPI]] = {
    service: lambda service=service, **more: make(service, auth_jwt_secret=JWT_SECRET, **more)  # type: ignore[misc]
    for service in MAKERS
} | {"oauth-gateway": gateway}


def calling(app: FastAPI) -> httpx.AsyncClient:
    """Calls the application itself: nothing that is asked for here needs what lies behind it."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.fixture(params=list(APPS))
def new_app(request: pytest.FixtureRequest) -> Callable[..., FastAPI]:
    return APPS[request.param]


@pytest.mark.parametrize("more", [{}, {"expose_docs": True}, {"metrics_port": 9000}])
async def test_d2_nothing_of_the_inside_is_on_a_public_port_in_production(
    new_app: Callable[..., FastAPI], more: dict[str, Any]
) -> None:
    app = new_app(environment="production", **more)
    assert not app.debug
    async with calling(app) as client:
        for path in SURFACES:
            assert (await client.get(path)).status_code == 404, path
        assert (await client.get("/healthz")).status_code == 200


async def test_d2_in_development_they_are_there(new_app: Callable[..., FastAPI]) -> None:
    async with calling(new_app(environment="development")) as client:
        for path in ("/docs", "/openapi.json", "/metrics"):
            assert (await client.get(path)).status_code == 200, path


ORIGINS = {
    OURS: True,
    THEIRS: False,
    f"{OURS}.evil.example": False,
    f"{OURS}:8443": False,
    f"{OURS}/": False,
    "http://app.example": False,
    "https://APP.EXAMPLE": False,
    "https://sub.app.example": False,
    "https://evil-app.example": False,
    f"{OURS}@evil.example": False,
    f"{OURS}, {THEIRS}": False,
    "null": False,
    "*": False,
    "": False,
}


@pytest.mark.parametrize("origin", ORIGINS)
async def test_d3_only_listed_origins_may_read_and_nobody_with_cookies(
    new_app: Callable[..., FastAPI], origin: str
) -> None:
    asking = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    async with calling(new_app(cors_origins=f"{OURS},https://other.example")) as client:
        answers = [
            await client.get("/healthz", headers={"Origin": origin}),
            await client.options("/v1/connections", headers=asking),
        ]
    for answer in answers:
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed == (origin if ORIGINS[origin] else None)
        assert "access-control-allow-credentials" not in answer.headers
        assert not allowed or "Origin" in answer.headers["vary"]
    assert answers[1].is_success == ORIGINS[origin]


async def test_d3_without_a_list_no_origin_may_read(new_app: Callable[..., FastAPI]) -> None:
    async with calling(new_app()) as client:
        answer = await client.get("/healthz", headers={"Origin": OURS})
        assert "access-control-allow-origin" not in answer.headers


async def test_d3_every_answer_says_that_it_is_nobodys_to_keep(
    new_app: Callable[..., FastAPI],
) -> None:
    app = new_app(cors_origins=OURS)

    @app.get("/breaks")
    async def breaks() -> None:
        raise ZeroDivisionError

    preflight = {"Origin": OURS, "Access-Control-Request-Method": "POST"}
    large = {"content": b"{" * 10**6, "headers": {"content-type": "application/json"}}
    async with calling(app) as client:
        answers = [
            await client.get("/healthz"),
            await client.get("/openapi.json"),
            await client.get("/v1/connections", headers=bearer("anna")),
            await client.get("/v1/connections"),
            await client.post("/v1/connections", **large),
            await client.post("/v1/publications", **large),
            await client.post("/internal/v1/flows", **large),
            await client.get("/nowhere"),
            await client.post("/healthz"),
            await client.get("/healthz/"),
            await client.get("/api/oauth/vk/callback?code=a&state=b"),
            await client.options("/v1/connections", headers=preflight),
            await client.options("/v1/connections", headers=preflight | {"Origin": THEIRS}),
            await client.get("/breaks"),
        ]
    assert {200, 400, 404, 405, 500} <= {one.status_code for one in answers}
    for answer in answers:
        said = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
        assert answer.headers.get("cache-control") == "no-store", said
        assert answer.headers.get("x-content-type-options") == "nosniff", said
        assert answer.headers.get("referrer-policy") == "no-referrer", said
        if "html" not in answer.headers.get("content-type", ""):
            policy = answer.headers.get("content-security-policy", "")
            assert policy == "default-src 'none'; frame-ancestors 'none'", said
