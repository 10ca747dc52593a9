"""What a browser may bring back from a platform, and what it never reaches (O1 to O4, O6)."""

import asyncio
import json
from hashlib import sha256

import pytest

from support.real_gateway import FRONTEND, RealGateway

from .rows import asked_for_tokens, kept

pytestmark = pytest.mark.anyio

VK_USER = "100001"
VK_OTHER = "100002"


async def test_a_payload_callback_of_vk_id_is_understood(gateway: RealGateway, user: str) -> None:
    gateway.sandbox.switch(vkid_payload_callback=True)
    query = await gateway.agree(await gateway.start(user))
    assert set(query) == {"payload"}
    assert "finish" in await gateway.come_back(query)


async def test_o1_a_payload_that_contradicts_the_query_is_refused(
    gateway: RealGateway, user: str
) -> None:
    query = await gateway.agree(await gateway.start(user))
    other = {"payload": json.dumps({**query, "code": "another"})}
    assert (await gateway.come_back({**query, **other}))["error"] == "state_invalid"
    assert (await gateway.come_back(query))["error"] == "state_invalid"  # used up


async def test_o1_a_denial_comes_home_and_uses_the_state_up(
    gateway: RealGateway, user: str
) -> None:
    gateway.sandbox.consent(mode="deny")
    query = await gateway.agree(await gateway.start(user))
    assert await gateway.come_back(query) == {"platform": "vk", "error": "access_denied"}
    assert (await gateway.come_back(query))["error"] == "state_invalid"


async def test_o2_one_state_makes_one_finish_of_fifty_callbacks(
    gateway: RealGateway, user: str
) -> None:
    query = await gateway.agree(await gateway.start(user))
    told = await asyncio.gather(*(gateway.come_back(query) for _ in range(50)))
    assert sum("finish" in one for one in told) == 1
    # On a busy machine Redis may not answer all of them within a second.
    errors = {one["error"] for one in told if "finish" not in one}
    assert errors <= {"state_invalid", "platform_unavailable"}


async def test_o2_fifty_finishes_make_one_exchange(gateway: RealGateway, user: str) -> None:
    finish = await gateway.consent(user)
    answers = await asyncio.gather(*(gateway.finish(finish, user) for _ in range(50)))
    assert sorted(one.status_code for one in answers) == [200] + [403] * 49
    assert gateway.seen("vkid", "token") == 1


async def test_o3_somebody_else_can_not_finish_a_flow(gateway: RealGateway, user: str) -> None:
    finish = await gateway.consent(user)
    stolen = await gateway.finish(finish, f"{user}-victim")
    assert (stolen.status_code, stolen.json()["code"]) == (403, "state_invalid")
    assert (await gateway.finish(finish, user)).status_code == 403  # used up
    unsigned = await gateway.client.post(f"/internal/v1/flows/{finish}/finish", json={})
    assert unsigned.status_code == 401
    assert asked_for_tokens(gateway) == 0
    for somebody in (user, f"{user}-victim"):
        assert await kept(gateway, somebody) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"state": "x" * 43},
        {"state": ""},
        {"state": None},
        {"device_id": "d" * 300},
        {"code": "с кириллицей"},
        {"error": "access_denied"},
    ],
)
async def test_o1_a_bent_callback_sends_nothing_to_the_platform(
    gateway: RealGateway, user: str, change: dict[str, str | None]
) -> None:
    query = await gateway.agree(await gateway.start(user))
    bent = {name: value for name, value in {**query, **change}.items() if value is not None}
    assert (await gateway.come_back(bent))["error"] == "state_invalid"
    assert asked_for_tokens(gateway) == 0


async def test_o1_a_state_lives_for_five_minutes(gateway: RealGateway, user: str) -> None:
    query = await gateway.agree(await gateway.start(user))
    assert len(query["state"]) == 43  # 256 bits
    [key] = await gateway.parts.redis.keys(f"*{sha256(query['state'].encode()).hexdigest()}")
    assert 290 < await gateway.parts.redis.ttl(key) <= 300
    await gateway.parts.redis.pexpire(key, 0)
    assert (await gateway.come_back(query))["error"] == "state_invalid"
    assert asked_for_tokens(gateway) == 0


async def test_o1_a_finish_id_lives_for_five_minutes(gateway: RealGateway, user: str) -> None:
    finish = await gateway.consent(user)
    [key] = await gateway.parts.redis.keys(f"*{sha256(finish.encode()).hexdigest()}")
    assert 290 < await gateway.parts.redis.ttl(key) <= 300
    await gateway.parts.redis.pexpire(key, 0)
    assert (await gateway.finish(finish, user)).json()["code"] == "state_invalid"
    assert asked_for_tokens(gateway) == 0


@pytest.mark.parametrize(
    "issuer", ["https://evil.example.org", "https://id.vk.com.evil.example.org", "null"]
)
@pytest.mark.parametrize("platform", ["vk", "dzen"])
async def test_o4_a_wrong_issuer_sends_nothing_to_any_platform(
    gateway: RealGateway, user: str, platform: str, issuer: str
) -> None:
    query = await gateway.agree(await gateway.start(user, platform))
    told = await gateway.come_back({**query, "iss": issuer}, platform)
    assert told == {"platform": platform, "error": "state_invalid"}
    assert asked_for_tokens(gateway) == 0


@pytest.mark.parametrize(
    "payload", [r'{"state": "\ud800"}', r'{"code": "\udfff"}', "[" * 9000, "{"]
)
async def test_a_broken_payload_comes_home_like_any_other(
    gateway: RealGateway, payload: str
) -> None:
    told = await gateway.come_back({"payload": payload})
    assert told == {"platform": "vk", "error": "state_invalid"}


async def test_the_right_issuer_is_accepted(gateway: RealGateway, user: str) -> None:
    query = await gateway.agree(await gateway.start(user))
    assert "finish" in await gateway.come_back({**query, "iss": f"{gateway.sandbox.url}/vkid"})


@pytest.mark.parametrize(("mine", "other"), [("vk", "dzen"), ("dzen", "vk")])
async def test_o4_a_state_is_worth_nothing_at_another_platforms_callback(
    gateway: RealGateway, user: str, mine: str, other: str
) -> None:
    query = await gateway.agree(await gateway.start(user, mine))
    assert await gateway.come_back(query, other) == {"platform": other, "error": "state_invalid"}
    assert (await gateway.come_back(query, mine))["error"] == "state_invalid"  # used up
    assert asked_for_tokens(gateway) == 0


async def test_o6_the_browser_returns_only_to_listed_paths(gateway: RealGateway, user: str) -> None:
    query = await gateway.agree(await gateway.start(user, return_to="wizard"))
    answer = await gateway.land(query)
    assert answer.headers["location"].startswith(f"{FRONTEND}/welcome/accounts?platform=vk&finish=")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("return_to", ["//evil", "https://evil.example.org", "/connections", "х"])
async def test_o6_an_unknown_return_to_starts_no_flow(
    gateway: RealGateway, user: str, return_to: str
) -> None:
    body = {"platform": "vk", "user_id": user, "return_to": return_to}
    answer = await gateway.call("POST", "/flows", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_platform_without_consent_page_starts_no_flow(
    gateway: RealGateway, user: str
) -> None:
    answer = await gateway.call("POST", "/flows", {"platform": "telegram", "user_id": user})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_o1_redis_keeps_neither_state_nor_code_in_plain(
    gateway: RealGateway, user: str
) -> None:
    url = await gateway.start(user)
    query = await gateway.agree(url)
    finish = (await gateway.come_back(query))["finish"]
    kept = ""
    for key in await gateway.parts.redis.keys("oauth:*"):
        kept += str(key) + str(await gateway.parts.redis.get(key))
    assert kept
    for secret in (query["state"], query["code"], finish, user):
        assert secret not in kept


async def test_v6_services_may_call_only_what_they_need(gateway: RealGateway, user: str) -> None:
    linked = await gateway.connect(user)
    path = f"/credentials/{linked['connection_id']}/access-token"
    assert (await gateway.call("POST", path, {}, caller="connections")).status_code == 401
    body = {"platform": "vk", "user_id": user}
    assert (await gateway.call("POST", "/flows", body, caller="publisher")).status_code == 401
    assert (await gateway.client.post("/internal/v1/flows", json=body)).status_code == 401
