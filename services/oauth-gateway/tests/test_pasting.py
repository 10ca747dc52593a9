"""Connecting by pasted tokens, which nobody can renew."""

from typing import Any

import httpx
import pytest

from common.ids import new_id
from support.real_gateway import RealGateway

pytestmark = pytest.mark.anyio


async def paste(
    gateway: RealGateway, user: str, body: dict[str, Any], connection_id: str | None = None
) -> httpx.Response:
    path = f"/credentials/{connection_id or new_id()}"
    return await gateway.call("PUT", path, {"user_id": user, **body})


def telegram(gateway: RealGateway) -> dict[str, Any]:
    made = gateway.sandbox.account("telegram")
    return {"platform": "telegram", "token": made["token"], "channel": made["channel"]}


def rutube(gateway: RealGateway) -> dict[str, Any]:
    return {"platform": "rutube", "token": gateway.sandbox.account("rutube")["token"]}


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_telegram_channel_is_connected(gateway: RealGateway, user: str) -> None:
    answer = await paste(gateway, user, telegram(gateway))
    assert answer.status_code == 200, answer.text
    linked = answer.json()
    assert linked["account"]["id"].startswith("-100")
    assert linked["expires_at"] is None
    assert await gateway.check(linked["connection_id"]) == {"result": "ok", "detail": ""}


async def test_a_rutube_account_is_connected(gateway: RealGateway, user: str) -> None:
    answer = await paste(gateway, user, rutube(gateway))
    assert answer.status_code == 200, answer.text
    assert (await gateway.lease(answer.json()["connection_id"])).json()["version"] == 1


async def test_an_account_keeps_its_id_whatever_is_proposed(
    gateway: RealGateway, user: str
) -> None:
    body = rutube(gateway)
    first = (await paste(gateway, user, body)).json()
    again = (await paste(gateway, user, body)).json()
    assert again["connection_id"] == first["connection_id"]
    assert again["grant_number"] == 2


async def test_a_token_of_another_account_does_not_replace_one(
    gateway: RealGateway, user: str
) -> None:
    first = (await paste(gateway, user, telegram(gateway))).json()
    other = await paste(gateway, user, telegram(gateway), first["connection_id"])
    assert problem(other) == (409, "account_mismatch")


async def test_a_token_that_the_platform_refuses_is_not_stored(
    gateway: RealGateway, user: str
) -> None:
    body = {"platform": "rutube", "token": "no-such-token"}
    answer = await paste(gateway, user, body)
    assert problem(answer) == (422, "token_refused")
    assert "no-such-token" not in answer.text


async def test_a_bot_that_may_not_post_is_not_connected(gateway: RealGateway, user: str) -> None:
    body = telegram(gateway) | {"channel": telegram(gateway)["channel"]}
    assert problem(await paste(gateway, user, body)) == (422, "no_right_to_post")


async def test_trouble_at_the_platform_is_no_refusal(gateway: RealGateway, user: str) -> None:
    body = telegram(gateway)
    gateway.sandbox.fail("telegram", "getMe", "error_502_html")
    assert problem(await paste(gateway, user, body)) == (503, "platform_unavailable")


@pytest.mark.parametrize(
    "body",
    [
        {"platform": "vk", "token": "t"},
        {"platform": "telegram", "token": "t"},
        {"platform": "rutube", "token": "t", "channel": "@c"},
        {"platform": "rutube", "token": ""},
        {"platform": "rutube", "token": "t", "status": "active"},
    ],
)
async def test_a_malformed_request_is_refused_without_being_repeated(
    gateway: RealGateway, user: str, body: dict[str, Any]
) -> None:
    assert problem(await paste(gateway, user, body)) == (422, "invalid_request")


async def test_a_refused_token_is_believed_only_when_the_platform_says_so(
    gateway: RealGateway, user: str
) -> None:
    linked = (await paste(gateway, user, telegram(gateway))).json()
    connection_id = linked["connection_id"]
    still = await gateway.lease(connection_id, 1)
    assert still.json()["version"] == 1  # asked, and it works
    gateway.sandbox.fail("telegram", "getChat", "error_502_html")
    assert problem(await gateway.lease(connection_id, 1)) == (503, "platform_unavailable")
    gateway.sandbox.control.delete("/_state")  # the bot exists no more
    assert problem(await gateway.lease(connection_id, 1)) == (410, "connection_expired")
    assert (await gateway.check(connection_id))["result"] == "refused"


async def test_a_check_during_an_outage_is_unknown(gateway: RealGateway, user: str) -> None:
    linked = (await paste(gateway, user, telegram(gateway))).json()
    gateway.sandbox.fail("telegram", "getChat", "error_502_html")
    checked = await gateway.check(linked["connection_id"])
    assert checked == {"result": "unknown", "detail": "unavailable"}


async def test_a_bot_that_lost_its_channel_keeps_its_token(gateway: RealGateway, user: str) -> None:
    """Its owner may let it in again; nothing has to be pasted anew."""
    linked = (await paste(gateway, user, telegram(gateway))).json()
    gateway.sandbox.fail("telegram", "getChat", "kicked")
    checked = await gateway.check(linked["connection_id"])
    assert checked == {"result": "refused", "detail": "not_a_member"}
    assert (await gateway.lease(linked["connection_id"])).json()["version"] == 1
    assert (await gateway.check(linked["connection_id"]))["result"] == "ok"
