"""The doctor's lines about people's tokens and oauth-gateway."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Response

from common.doctor.finding import Finding, ask_all
from common.doctor.neighbours import CHECKS
from common.http import problems
from common.http.callers import ServiceDep
from common.neighbours import GATEWAY, NeighbourSettings
from common.settings import Wrong
from support.jwt_host import Host, Key
from support.serving import serving

pytestmark = pytest.mark.anyio
OURS, OTHERS = "1f8e0c5d7a3b4296" * 2, "9b1f4c7ae2d05836" * 2


class Own(NeighbourSettings):
    """One that asks for tokens."""

    service = "publisher"


@pytest.fixture
async def gateway() -> AsyncIterator[str]:
    """Checks signatures and forms as the real one does; nobody's id has this form."""
    app = FastAPI()
    problems.install(app)
    app.state.service, app.state.service_secrets = GATEWAY, {"publisher": OURS}

    @app.post("/internal/v1/credentials/{connection_id}/access-token")
    async def lend(connection_id: int, _caller: ServiceDep) -> None:
        raise AssertionError(connection_id)

    async with serving(app) as url:
        yield url


async def asked(**values: str) -> dict[str, Finding]:
    usual = {
        "database_url": "postgresql://nobody@127.0.0.1:1/none",
        "rabbitmq_url": "amqp://nobody:none@127.0.0.1:1/",
        "redis_url": "redis://127.0.0.1:1/0",
        "oauth_gateway_url": "http://127.0.0.1:1",
        "service_tokens": f"publisher={OURS}",
    }
    people = {} if "auth_jwks_url" in values else {"auth_jwt_secret": OTHERS}
    given = usual | people | values
    settings = Own.model_validate({name: one for name, one in given.items() if one})
    wrong: tuple[Wrong, ...] = ()
    return {one.name: one for one in await ask_all(CHECKS, settings, wrong)}


async def test_the_gateway_knows_us(gateway: str) -> None:
    assert (await asked(oauth_gateway_url=gateway))[GATEWAY].ok is True


async def test_a_wrong_token_is_told_apart_from_silence(gateway: str) -> None:
    refused = await asked(oauth_gateway_url=gateway, service_tokens=f"publisher={OTHERS}")
    assert (refused[GATEWAY].ok, "SERVICE_TOKENS" in refused[GATEWAY].mend) == (False, True)
    silent = (await asked())[GATEWAY]
    assert (silent.ok, silent.well) == (None, False)
    assert "OAUTH_GATEWAY_URL" in silent.mend


async def test_something_else_at_the_gateways_address_is_told() -> None:
    async with serving(FastAPI()) as url:
        told = (await asked(oauth_gateway_url=url))[GATEWAY]
    assert (told.ok, told.detail) == (False, "something else answers there (404)")


async def test_keys_of_the_host_product_are_asked_for() -> None:
    host = Host()
    async with serving(host.app()) as url:
        host.listed = [Key("one").jwk]
        assert (await asked(auth_jwks_url=f"{url}/keys"))["people's tokens"].ok is True
        host.listed = []
        assert (await asked(auth_jwks_url=f"{url}/keys"))["people's tokens"].ok is False
        host.answer = lambda: Response("<html>")
        told = (await asked(auth_jwks_url=f"{url}/keys"))["people's tokens"]
        assert (told.ok, "AUTH_JWKS_URL" in told.mend) == (False, True)


async def test_where_nobody_is_served_no_way_to_check_people_is_missing() -> None:
    """A worker is not given it, and its container is a good place for the doctor."""
    told = (await asked(auth_jwt_secret=""))["people's tokens"]
    assert (told.ok, told.well) == (None, True)
    assert "http" in told.detail


async def test_two_ways_to_check_people_are_one_too_many() -> None:
    both = await asked(auth_jwt_secret=OTHERS, auth_jwks_url="http://127.0.0.1:1/keys")
    assert both["people's tokens"].ok is False
