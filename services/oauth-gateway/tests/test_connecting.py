"""Connecting by OAuth, with a real consent page, a real Redis and a real PostgreSQL."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from common.ids import new_id
from support.real_gateway import RealGateway

from .rows import kept

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
    again = await gateway.connect(user, "dzen", connection_id=linked["connection_id"])
    assert again["connection_id"] == linked["connection_id"]
    steps = [one for one in gateway.sandbox.journal() if one["step"] == "token"]
    devices = {one["form"]["device_id"] for one in steps}
    assert devices == {linked["connection_id"]}


async def test_legacy_vk_connects_and_can_not_be_refreshed(legacy: RealGateway, user: str) -> None:
    linked = await legacy.connect(user)
    assert linked["expires_at"] is None
    leased = (await legacy.lease(linked["connection_id"], refused_version=1)).json()
    assert leased["version"] == 1  # VK was asked, and still takes it


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


async def test_o7_another_account_does_not_replace_the_one_of_a_connection(
    gateway: RealGateway, user: str
) -> None:
    first = await gateway.connect(user)
    before = (await gateway.lease(first["connection_id"])).json()
    gateway.sandbox.consent(mode="allow", account=VK_OTHER)
    finish = await gateway.consent(user, connection_id=first["connection_id"])
    answer = await gateway.finish(finish, user)
    assert (answer.status_code, answer.json()["code"]) == (409, "account_mismatch")
    assert (await gateway.lease(first["connection_id"])).json() == before


async def test_o7_another_account_is_a_new_connection_when_none_was_named(
    gateway: RealGateway, user: str
) -> None:
    first = await gateway.connect(user)
    gateway.sandbox.consent(mode="allow", account=VK_OTHER)
    second = await gateway.connect(user)
    assert second["connection_id"] != first["connection_id"]


@pytest.mark.parametrize(("platform", "right"), [("vk", "video"), ("dzen", "zen:write")])
async def test_o8_missing_rights_connect_nothing(
    gateway: RealGateway, user: str, platform: str, right: str
) -> None:
    gateway.sandbox.consent(mode="allow", without=[right])
    answer = await gateway.finish(await gateway.consent(user, platform), user)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert await kept(gateway, user) == 0


async def test_o8_missing_rights_of_the_former_vk_connect_nothing(
    legacy: RealGateway, user: str
) -> None:
    legacy.sandbox.consent(mode="allow", without=["video"])
    answer = await legacy.finish(await legacy.consent(user), user)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert await kept(legacy, user) == 0


async def test_o8_what_was_granted_is_stored_and_told(gateway: RealGateway, user: str) -> None:
    gateway.sandbox.consent(mode="allow", without=["wall"])
    linked = await gateway.connect(user)
    assert "video" in linked["granted"]
    assert "wall" not in linked["granted"]


async def test_o5_a_lost_answer_of_the_exchange_never_sends_the_code_again(
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


@pytest.mark.parametrize("platform", ["vk", "dzen"])
async def test_o5_a_code_of_somebody_elses_consent_changes_nothing(
    gateway: RealGateway, user: str, platform: str
) -> None:
    linked = await gateway.connect(user, platform)
    before = (await gateway.lease(linked["connection_id"])).json()
    theirs = await gateway.agree(await gateway.start(f"{user}-other", platform))
    mine = await gateway.agree(await gateway.start(user, platform))
    injected = {**mine, "code": theirs["code"]}
    if "device_id" in theirs:
        injected["device_id"] = theirs["device_id"]
    finish = (await gateway.come_back(injected, platform))["finish"]
    answer = await gateway.finish(finish, user)
    assert (answer.status_code, answer.json()["code"]) == (403, "access_denied")
    assert (await gateway.lease(linked["connection_id"])).json() == before
    assert await kept(gateway, user) == 1


@pytest.mark.parametrize("platform", ["vk", "dzen"])
async def test_o5_every_flow_has_a_challenge_of_its_own(
    gateway: RealGateway, user: str, platform: str
) -> None:
    seen = set()
    for _ in range(2):
        asked = dict(parse_qsl(urlsplit(await gateway.start(user, platform)).query))
        assert asked["code_challenge_method"] == "S256"
        seen.add(asked["code_challenge"])
    assert len(seen) == 2


async def test_a_connection_that_was_erased_meanwhile_comes_back_under_a_new_id(
    gateway: RealGateway, user: str
) -> None:
    erased = str(new_id())
    assert (await gateway.connect(user, connection_id=erased))["connection_id"] != erased
