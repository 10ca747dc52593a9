"""The obsolete flow of VK: a profile must be that of the user whose token it is."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from platforms.calls import open_gate
from platforms.errors import Unavailable
from platforms.http import Http
from platforms.port import Consent, Grant
from platforms.vk.client import VIDEO_RIGHT, VkClient
from platforms.vk.legacy import VkLegacy

from .conftest import answer, answering, misbehaving

pytestmark = pytest.mark.anyio
TOKEN = SecretStr("vk1.a.token")
CONSENT = Consent(SecretStr("code"), "state", SecretStr("verifier"), "https://example.org", "")


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http()
    yield client
    await client.aclose()


def told(body: Any) -> bytes:
    return answer(json.dumps(body).encode(), "Connection: close")


def legacy(http: Http, url: str) -> VkLegacy:
    client = VkClient(http, url, open_gate)
    return VkLegacy(http, client, base=url, client_id="51", client_secret=SecretStr("s"))


async def test_a_legacy_grant_remembers_whose_it_is(http: Http) -> None:
    reply = {"access_token": "vk1.a.token", "user_id": 7, "expires_in": 0, "response": VIDEO_RIGHT}
    async with misbehaving(answering(told(reply))) as url:
        grant = await legacy(http, url).exchange(CONSENT)
    assert grant.extras == {"user_id": "7"}


@pytest.mark.parametrize("user", [{"id": 8, "first_name": "A"}, {"first_name": "A"}, {"id": ""}])
async def test_a_legacy_profile_must_be_the_tokens(http: Http, user: dict[str, Any]) -> None:
    async with misbehaving(answering(told({"response": [user]}))) as url:
        with pytest.raises(Unavailable):
            await legacy(http, url).identify(Grant(TOKEN, extras={"user_id": "7"}))


async def test_a_legacy_profile_with_the_tokens_id_is_the_account(http: Http) -> None:
    async with misbehaving(answering(told({"response": [{"id": 7, "first_name": "A"}]}))) as url:
        account = await legacy(http, url).identify(Grant(TOKEN, extras={"user_id": "7"}))
    assert (account.id, account.name) == ("7", "A")
