"""No forged token opens anything, and all are refused with the same words (J1)."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from support.forged import EC, FORGED, ISSUER, OCTETS, RSA, SCHEMES, Forger
from support.jwt_host import Host
from support.people import JWT_SECRET
from support.people_apps import MAKERS, make
from support.servers import NewDatabase
from support.serving import serving

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Api:
    """One service, and what is asked of it."""

    client: httpx.AsyncClient
    url: str

    async def ask(self, headers: Mapping[Any, Any] | None = None) -> httpx.Response:
        return await self.client.get(self.url, headers=headers)


@pytest.fixture
async def host() -> Host:
    found = Host()
    found.listed = [RSA.jwk, EC.jwk, OCTETS]
    return found


@pytest.fixture(scope="module")
def empty_database(new_database: NewDatabase) -> str:
    return new_database("forged", None)


@pytest.fixture(params=["secret", "keys"])
def forger(request: pytest.FixtureRequest) -> Forger:
    return Forger(request.param)


@pytest.fixture(params=list(MAKERS))
async def api(
    request: pytest.FixtureRequest, forger: Forger, host: Host, empty_database: str
) -> AsyncIterator[Api]:
    """Asks for what nobody may have: who is let in is told so."""
    service = request.param
    async with serving(host.app()) as url:
        way = (
            {"auth_jwt_secret": JWT_SECRET}
            if forger.kind == "secret"
            else {"auth_jwks_url": f"{url}/keys"}
        )
        app = make(service, auth_jwt_issuer=ISSUER, database_url=empty_database, **way)
        async with (
            serving(app) as own,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            yield Api(client, f"{own}{MAKERS[service][1]}?limit=0")


async def test_j1_no_forged_token_is_let_in_and_none_is_told_why(
    api: Api, forger: Forger, host: Host
) -> None:
    good = await api.ask({"Authorization": f"Bearer {forger.sign()}"})
    assert good.status_code == 422, "a good token has to come further"
    usual = await api.ask()
    assert (usual.status_code, usual.json()["code"]) == (401, "unauthorized")
    said = {name: f"Bearer {forge(forger)}".encode() for name, forge in FORGED.items()} | {
        scheme: scheme.format(forger.sign()).encode() for scheme in SCHEMES
    }
    for name, header in said.items():
        answer = await api.ask({b"authorization": header})
        assert (answer.status_code, answer.content) == (401, usual.content), name
        assert answer.headers["www-authenticate"] == "Bearer"
    assert host.asked <= 1


async def test_j1_a_forged_token_is_refused_before_its_body_is_read(
    api: Api, forger: Forger
) -> None:
    usual = await api.ask()
    for header in (f"Bearer {FORGED['expired'](forger)}", f"Basic {forger.sign()}"):
        headers = {"Authorization": header, "Content-Type": "application/json"}
        if "stats" not in api.url:
            answer = await api.client.post(api.url, headers=headers, content=b"{broken")
            assert (answer.status_code, answer.content) == (401, usual.content)
