"""Whatever a token endpoint answers: a clean refusal, and nothing stored in part (O9)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from conformance.sandbox_process import Sandbox
from support.real_gateway import RealGateway, replica

from .hostile import REPLIES, Hostile, listening, said
from .rows import kept, stored

pytestmark = pytest.mark.anyio
PLATFORMS = ["vk", "dzen"]


@dataclass(frozen=True, slots=True)
class Met:
    """A gateway that meets a hostile server where it trades codes and tokens."""

    gateway: RealGateway
    server: Hostile


@pytest.fixture
async def met(
    gateway: RealGateway, settings: dict[str, str], sandbox: Sandbox
) -> AsyncIterator[Met]:
    """It shares database, Redis and secret with the one that starts the flows."""
    assert gateway
    async with listening() as server:
        urls = {"VK_ID_URL": f"{server.url}/vkid", "YANDEX_OAUTH_URL": f"{server.url}/yandex"}
        one = replica({**settings, **urls}, sandbox)
        yield Met(one, server)
        await one.client.aclose()
        await one.parts.aclose()


async def test_a_decent_answer_connects(gateway: RealGateway, met: Met, user: str) -> None:
    answer = await met.gateway.finish(await gateway.consent(user), user)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("reply", REPLIES)
async def test_o9_a_hostile_answer_to_a_code_stores_nothing(
    gateway: RealGateway, met: Met, user: str, platform: str, reply: str
) -> None:
    finish = await gateway.consent(user, platform)
    met.server.reply = REPLIES[reply]
    answer = await met.gateway.finish(finish, user)
    assert (answer.status_code, answer.json()["code"]) == (503, "platform_unavailable")
    assert await kept(gateway, user) == 0
    assert met.server.asked.total() == 1  # no redirect was followed, no code sent twice


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("reply", REPLIES)
async def test_o9_a_hostile_answer_to_a_refresh_changes_nothing(
    gateway: RealGateway, met: Met, user: str, platform: str, reply: str
) -> None:
    connection_id = (await gateway.connect(user, platform))["connection_id"]
    before = await stored(gateway, connection_id)
    met.server.reply = REPLIES[reply]
    answer = await met.gateway.lease(connection_id, 1)
    assert (answer.status_code, answer.json()["code"]) == (503, "platform_unavailable")
    after = await stored(gateway, connection_id)
    for column in ("version", "status", "access_token", "refresh_token", "extras", "expires_at"):
        assert getattr(after, column) == getattr(before, column)
    assert met.server.asked.total() == 1
    assert (await gateway.lease(connection_id)).status_code == 200  # the old one is still good


@pytest.mark.parametrize("wrong", [{"state": "another"}, {"state": None}, {"user_id": None}])
async def test_o9_an_answer_of_vk_id_to_somebody_else_is_not_taken(
    gateway: RealGateway, met: Met, user: str, wrong: dict[str, str | None]
) -> None:
    finish = await gateway.consent(user)
    met.server.reply = said(**wrong)
    answer = await met.gateway.finish(finish, user)
    assert (answer.status_code, answer.json()["code"]) == (503, "platform_unavailable")
    assert await kept(gateway, user) == 0


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("given", [None, ""])
async def test_a_refresh_token_that_did_not_come_is_not_lost(
    gateway: RealGateway, met: Met, user: str, platform: str, given: str | None
) -> None:
    connection_id = (await gateway.connect(user, platform))["connection_id"]
    before = await opened(gateway, connection_id)
    met.server.reply = said(refresh_token=given)
    answer = await met.gateway.lease(connection_id, 1)
    assert (answer.json()["version"], answer.json()["access_token"]) == (2, "hostile-access")
    assert await opened(gateway, connection_id) == before


async def opened(gateway: RealGateway, connection_id: str) -> str:
    """The refresh token itself."""
    ports = gateway.parts.ports
    async with ports.begin() as work:
        credential = await work.credentials.get(UUID(connection_id))
    assert credential is not None
    token = ports.vault.open(credential).refresh_token
    assert token is not None
    return token.get_secret_value()
