"""Connecting by OAuth, with a real consent page, a real Redis and a real PostgreSQL."""

import asyncio
import json

import pytest

from common.ids import new_id
from support.real_gateway import FRONTEND, RealGateway

pytestmark = pytest.mark.anyio

VK_USER = "100001"
VK_OTHER = "100002"


async def test_vk_id_connects_and_its_token_works(gateway: RealGateway, user: str) -> None:
    linked = await gateway.connect(user)
    assert linked["platform"] == "vk"
    assert linked["grant_number"] == 1
    assert linked["account"]["id"] == VK_USER
    assert "video" in linked["granted"]
    assert linked["expires_at"] is not None
    leased = (await gateway.lease(linked["connection_id"])).json()
    assert leased["version"] == 1
    assert set(leased) == {"access_token", "version", "expires_at"}
    assert await gateway.check(linked["connection_id"]) == {"result": "ok", "detail": ""}


async def test_yandex_connects_dzen_with_a_device_of_its_own(
    gateway: RealGateway, user: str
) -> None:
    linked = await gateway.connect(user, "dzen")
    assert linked["account"]["id"]
    asked = next(one for one in gateway.sandbox.journal() if one["step"] == "token")
    assert asked["form"]["device_id"] == linked["connection_id"]
    assert (await gateway.lease(linked["connection_id"])).status_code == 200


async def test_legacy_vk_connects_and_can_not_be_refreshed(legacy: RealGateway, user: str) -> None:
    linked = await legacy.connect(user)
    assert linked["expires_at"] is None
    leased = (await legacy.lease(linked["connection_id"], refused_version=1)).json()
    assert leased["version"] == 1  # VK was asked, and still takes it


async def test_a_payload_callback_of_vk_id_is_understood(gateway: RealGateway, user: str) -> None:
    gateway.sandbox.switch(vkid_payload_callback=True)
    query = await gateway.agree(await gateway.start(user))
    assert set(query) == {"payload"}
    assert "finish" in await gateway.come_back(query)


async def test_a_payload_that_contradicts_the_query_is_refused(
    gateway: RealGateway, user: str
) -> None:
    query = await gateway.agree(await gateway.start(user))
    other = {"payload": json.dumps({**query, "code": "another"})}
    assert (await gateway.come_back({**query, **other}))["error"] == "state_invalid"
    assert (await gateway.come_back(query))["error"] == "state_invalid"  # used up


async def test_the_same_account_keeps_its_connection(gateway: RealGateway, user: str) -> None:
    first = await gateway.connect(user)
    again = await gateway.connect(user)
    assert again["connection_id"] == first["connection_id"]
    assert again["grant_number"] == 2
    assert (await gateway.lease(first["connection_id"])).json()["version"] == 2


async def test_two_users_may_connect_one_account(gateway: RealGateway, user: str) -> None:
    mine = await gateway.connect(user)
    theirs = await gateway.connect(f"{user}-too")
    assert mine["account"] == theirs["account"]
    assert mine["connection_id"] != theirs["connection_id"]


async def test_another_account_does_not_replace_the_one_of_a_connection(
    gateway: RealGateway, user: str
) -> None:
    first = await gateway.connect(user)
    before = (await gateway.lease(first["connection_id"])).json()
    gateway.sandbox.consent(mode="allow", account=VK_OTHER)
    finish = await gateway.consent(user, connection_id=first["connection_id"])
    answer = await gateway.finish(finish, user)
    assert (answer.status_code, answer.json()["code"]) == (409, "account_mismatch")
    assert (await gateway.lease(first["connection_id"])).json() == before


async def test_another_account_is_a_new_connection_when_none_was_named(
    gateway: RealGateway, user: str
) -> None:
    first = await gateway.connect(user)
    gateway.sandbox.consent(mode="allow", account=VK_OTHER)
    second = await gateway.connect(user)
    assert second["connection_id"] != first["connection_id"]


async def test_missing_rights_connect_nothing(gateway: RealGateway, user: str) -> None:
    gateway.sandbox.consent(mode="allow", without=["video"])
    answer = await gateway.finish(await gateway.consent(user), user)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    gateway.sandbox.consent(mode="allow")
    assert (await gateway.connect(user))["grant_number"] == 1  # nothing had been stored


async def test_a_denial_comes_home_and_uses_the_state_up(gateway: RealGateway, user: str) -> None:
    gateway.sandbox.consent(mode="deny")
    query = await gateway.agree(await gateway.start(user))
    assert await gateway.come_back(query) == {"platform": "vk", "error": "access_denied"}
    assert (await gateway.come_back(query))["error"] == "state_invalid"


async def test_one_state_makes_one_finish_of_fifty_callbacks(
    gateway: RealGateway, user: str
) -> None:
    query = await gateway.agree(await gateway.start(user))
    told = await asyncio.gather(*(gateway.come_back(query) for _ in range(50)))
    assert sum("finish" in one for one in told) == 1
    # On a busy machine Redis may not answer all of them within a second.
    errors = {one["error"] for one in told if "finish" not in one}
    assert errors <= {"state_invalid", "platform_unavailable"}


async def test_fifty_finishes_make_one_exchange(gateway: RealGateway, user: str) -> None:
    finish = await gateway.consent(user)
    answers = await asyncio.gather(*(gateway.finish(finish, user) for _ in range(50)))
    assert sorted(one.status_code for one in answers) == [200] + [403] * 49
    assert gateway.seen("vkid", "token") == 1


async def test_somebody_else_can_not_finish_a_flow(gateway: RealGateway, user: str) -> None:
    finish = await gateway.consent(user)
    stolen = await gateway.finish(finish, f"{user}-victim")
    assert (stolen.status_code, stolen.json()["code"]) == (403, "state_invalid")
    assert (await gateway.finish(finish, user)).status_code == 403  # used up
    assert gateway.seen("vkid", "token") == 0


@pytest.mark.parametrize(
    "change",
    [
        {"state": "x" * 43},
        {"state": ""},
        {"iss": "https://evil.example.org"},
        {"device_id": "d" * 300},
        {"code": "с кириллицей"},
        {"error": "access_denied"},
    ],
)
async def test_a_bent_callback_sends_nothing_to_the_platform(
    gateway: RealGateway, user: str, change: dict[str, str]
) -> None:
    query = await gateway.agree(await gateway.start(user))
    assert (await gateway.come_back({**query, **change}))["error"] == "state_invalid"
    assert gateway.seen("vkid", "token") == 0


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


async def test_a_state_of_vk_is_worth_nothing_at_dzens_callback(
    gateway: RealGateway, user: str
) -> None:
    query = await gateway.agree(await gateway.start(user))
    assert await gateway.come_back(query, "dzen") == {"platform": "dzen", "error": "state_invalid"}
    assert (await gateway.come_back(query))["error"] == "state_invalid"


async def test_a_lost_answer_of_the_exchange_never_sends_the_code_again(
    gateway: RealGateway, user: str
) -> None:
    finish = await gateway.consent(user)
    gateway.sandbox.fail("vkid", "token", "drop_after")
    lost = await gateway.finish(finish, user)
    assert (lost.status_code, lost.json()["code"]) == (503, "platform_unavailable")
    assert lost.json()["detail"].endswith("Начните подключение заново.")
    assert "retry-after" not in lost.headers  # the finish id is used up
    assert (await gateway.finish(finish, user)).json()["code"] == "state_invalid"
    assert gateway.seen("vkid", "token") == 1


async def test_an_application_that_is_refused_is_not_to_be_asked_again(
    gateway: RealGateway, user: str
) -> None:
    finish = await gateway.consent(user)
    gateway.sandbox.fail("vkid", "token", "invalid_client")
    refused = await gateway.finish(finish, user)
    assert (refused.status_code, refused.json()["code"]) == (503, "platform_unavailable")
    assert refused.json()["detail"].endswith("Обратитесь в поддержку.")
    assert "retry-after" not in refused.headers


async def test_a_refused_code_connects_nothing(gateway: RealGateway, user: str) -> None:
    query = await gateway.agree(await gateway.start(user))
    finish = (await gateway.come_back({**query, "code": "injected"}))["finish"]
    answer = await gateway.finish(finish, user)
    assert (answer.status_code, answer.json()["code"]) == (403, "access_denied")


async def test_the_browser_returns_only_to_listed_paths(gateway: RealGateway, user: str) -> None:
    query = await gateway.agree(await gateway.start(user, return_to="wizard"))
    answer = await gateway.land(query)
    assert answer.headers["location"].startswith(f"{FRONTEND}/welcome/accounts?platform=vk&finish=")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("return_to", ["//evil", "https://evil.example.org", "/connections", "х"])
async def test_an_unknown_return_to_starts_no_flow(
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


async def test_a_connection_that_was_erased_meanwhile_comes_back_under_a_new_id(
    gateway: RealGateway, user: str
) -> None:
    erased = str(new_id())
    assert (await gateway.connect(user, connection_id=erased))["connection_id"] != erased


async def test_redis_keeps_neither_state_nor_code_in_plain(gateway: RealGateway, user: str) -> None:
    url = await gateway.start(user)
    query = await gateway.agree(url)
    finish = (await gateway.come_back(query))["finish"]
    kept = ""
    for key in await gateway.parts.redis.keys("oauth:*"):
        kept += str(key) + str(await gateway.parts.redis.get(key))
    assert kept
    for secret in (query["state"], query["code"], finish, user):
        assert secret not in kept


async def test_services_may_call_only_what_they_need(gateway: RealGateway, user: str) -> None:
    linked = await gateway.connect(user)
    path = f"/credentials/{linked['connection_id']}/access-token"
    assert (await gateway.call("POST", path, {}, caller="connections")).status_code == 401
    body = {"platform": "vk", "user_id": user}
    assert (await gateway.call("POST", "/flows", body, caller="publisher")).status_code == 401
    assert (await gateway.client.post("/internal/v1/flows", json=body)).status_code == 401
