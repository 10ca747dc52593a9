"""No token, code, state or finish id is ever printed: the real process, good paths and bad ones."""

import base64
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import anyio
import httpx
import pytest

from common.ids import new_id
from support.processes import process
from support.real_gateway import RealGateway

pytestmark = pytest.mark.anyio


@pytest.fixture
def printed(tmp_path: Path) -> Path:
    return tmp_path / "output"


@pytest.fixture
def url(settings: dict[str, str], printed: Path) -> Iterator[str]:
    with process("oauth_gateway", "http", settings=settings, output=printed) as url:
        yield url


@pytest.fixture
async def outside(gateway: RealGateway, url: str) -> AsyncIterator[RealGateway]:
    """The same gateway as a process of its own."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield RealGateway(gateway.parts, client, gateway.sandbox)


async def flows(gateway: RealGateway, user: str) -> list[str]:
    """Connect, be refused, lose answers, refresh; every secret that was used."""
    used: list[str] = []
    for fault in (None, "error_500", "token_refused", "drop_after", "html", "huge"):
        if fault:
            gateway.sandbox.fail("vkid", "token", fault)
        url = await gateway.start(user)
        query = await gateway.agree(url)
        finish = (await gateway.come_back(query))["finish"]
        used += [query["state"], query["code"], query["device_id"], finish]
        used += parse_qs(urlsplit(url).query)["code_challenge"]
        answer = await gateway.finish(finish, user)
        if fault is None:
            connection_id = answer.json()["connection_id"]
    leased = (await gateway.lease(connection_id)).json()
    used.append(leased["access_token"])
    for fault in ("error_500", "token_refused"):
        gateway.sandbox.fail("vkid", "refresh", fault)
        await gateway.lease(connection_id, leased["version"])
    return used


async def pastes(gateway: RealGateway, user: str) -> list[str]:
    """Good and bad pasted tokens, in every field where one may end up."""
    bad = [f"CANARY-{secrets.token_hex(16)}" for _ in range(5)]
    bot = gateway.sandbox.account("telegram")
    bodies = [
        {"platform": "telegram", "token": bot["token"], "channel": bot["channel"]},
        {"platform": "telegram", "token": f"123456789:{bad[0]}", "channel": bot["channel"]},
        {"platform": "rutube", "token": bad[1]},
        {"platform": "rutube", "token": "t", "channel": "c", "extra": bad[2]},
        {"platform": bad[3], "token": bad[3] * 200},
    ]
    gateway.sandbox.fail("rutube", "list", "drop_before")
    for body in bodies:
        await gateway.call("PUT", f"/credentials/{new_id()}", {"user_id": user, **body})
    broken = f'{{"token": "{bad[4]}'
    await gateway.client.put(f"/internal/v1/credentials/{bad[4]}", content=broken.encode())
    return [*bad, bot["token"], bot["token"].split(":")[1]]


async def test_nothing_secret_is_printed(
    outside: RealGateway, settings: dict[str, str], printed: Path, user: str
) -> None:
    used = await flows(outside, user) + await pastes(outside, user)
    used += [settings["PLATFORM_TOKEN_SECRET"], "sandbox-vk-secret"]
    text = await anyio.Path(printed).read_text()
    assert "http_request" in text
    for secret in used:
        raw = secret.encode()
        for form in (secret, quote(secret, safe=""), base64.b64encode(raw).decode(), raw.hex()):
            assert form not in text
