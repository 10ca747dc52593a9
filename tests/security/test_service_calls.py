"""Whose calls a service takes: only those of the service that it is for, and proves it (S1)."""

import time

import httpx
import jwt
import pytest
from fastapi import FastAPI

from common.auth.services import sign
from oauth_gateway.settings import GatewaySettings
from oauth_gateway.wiring import NAME, build, create_gateway
from support.people import token
from support.real_gateway import CALLERS, environment

pytestmark = pytest.mark.anyio
LINKS, PUBLISHES, COUNTS = "connections", "publisher", "stats-collector"
MAY_CALL = {
    ("POST", "/internal/v1/flows"): {LINKS},
    ("POST", "/internal/v1/flows/{finish}/finish"): {LINKS},
    ("PUT", "/internal/v1/credentials/{connection_id}"): {LINKS},
    ("POST", "/internal/v1/credentials/{connection_id}/check"): {LINKS},
    ("POST", "/internal/v1/credentials/{connection_id}/access-token"): {PUBLISHES, COUNTS},
}
ENDED = int(time.time()) - 60


def _signed(caller: str, **claims: object) -> str:
    """A token with these claims, by the secret that `caller` does have."""
    now = int(time.time())
    usual = {"iss": caller, "aud": NAME, "iat": now, "exp": now + 60}
    given = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(given, CALLERS[caller], algorithm="HS256")


def _forged(caller: str) -> dict[str, str | None]:
    other = next(one for one in CALLERS if one != caller)
    secret = CALLERS[caller]
    return {
        "no token": None,
        "no jwt": "x",
        "unsigned": jwt.encode({"iss": caller, "aud": NAME, "exp": 2**33}, "", algorithm="none"),
        "for another service": sign(caller, "publisher", secret),
        "for nobody": _signed(caller, aud=None),
        "expired": _signed(caller, exp=ENDED),
        "without end": _signed(caller, exp=None),
        "of nobody": _signed(caller, iss=None),
        "of a stranger": sign("sandbox", NAME, secret),
        "of itself": sign(NAME, NAME, secret),
        "with another caller's secret": sign(caller, NAME, CALLERS[other]),
        "a person's": token("anna", aud=NAME, iss=caller),
    }


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The real application; neither its database nor Redis is ever asked here."""
    nowhere = "127.0.0.1:1"
    values = environment(
        f"http://{nowhere}",
        database=f"postgresql://nobody@{nowhere}/none",
        rabbitmq=f"amqp://{nowhere}/",
        redis=f"redis://{nowhere}/0",
    )
    settings = GatewaySettings.model_validate({name.lower(): one for name, one in values.items()})
    return create_gateway(settings, build(settings))


async def _call(app: FastAPI, method: str, path: str, proof: str | None) -> int:
    headers = {} if proof is None else {"Authorization": f"Bearer {proof}"}
    address = path.format(finish="x", connection_id="no-uuid")
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return (await client.request(method, address, json=[], headers=headers)).status_code


def test_s1_every_internal_operation_is_listed_here(app: FastAPI) -> None:
    assert set(MAY_CALL) == {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if path.startswith("/internal/")
    }


@pytest.mark.parametrize(("method", "path"), MAY_CALL)
async def test_s1_a_caller_who_proves_nothing_is_refused(
    app: FastAPI, method: str, path: str
) -> None:
    for caller in MAY_CALL[method, path]:
        for how, proof in _forged(caller).items():
            assert await _call(app, method, path, proof) == 401, how


@pytest.mark.parametrize(("method", "path"), MAY_CALL)
async def test_s1_a_service_may_call_only_what_it_needs(
    app: FastAPI, method: str, path: str
) -> None:
    """Who is let in is told that the body makes no sense."""
    for caller in CALLERS:
        wanted = 422 if caller in MAY_CALL[method, path] else 401
        assert await _call(app, method, path, _signed(caller)) == wanted, caller
