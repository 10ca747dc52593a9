"""The Bot API's manners: methods, tokens, pace, looking, editing, deleting."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sandbox.telegram_accounts import DEMO_TOKEN
from sandbox.telegram_errors import RefusedError
from sandbox.telegram_limits import TelegramLimits
from sandbox.world import World
from support.bot_api import CHANNEL, CLIP, account, call, refusal, send

pytestmark = pytest.mark.anyio


async def test_methods_ignore_case_and_take_query_form_and_json(
    client: httpx.AsyncClient,
) -> None:
    url = f"/telegram/bot{DEMO_TOKEN}/GETCHAT"
    by_query = await client.get(url, params={"chat_id": CHANNEL})
    by_json = await client.post(url, json={"chat_id": by_query.json()["result"]["id"]})
    by_form = await client.post(url, data={"chat_id": CHANNEL.upper()})
    assert by_query.json() == by_json.json() == by_form.json()
    unknown = await call(client, "sendEverything")
    assert refusal(unknown) == (404, "Not Found: method not found")


async def test_malformed_and_revoked_tokens_are_told_apart(client: httpx.AsyncClient) -> None:
    assert refusal(await call(client, "getMe", "123:short")) == (404, "Not Found")
    await client.post("/_switches", json={"telegram_self_hosted_token_check": True})
    self_hosted = await call(client, "getMe", "123:short")
    assert refusal(self_hosted) == (401, "Unauthorized: invalid token specified")
    made = await account(client)
    assert (await call(client, "getMe", made["token"])).status_code == 200
    await account(client, token=made["token"], chat_id=made["chat_id"], revoked=True)
    assert refusal(await call(client, "getMe", made["token"])) == (401, "Unauthorized")


@pytest.mark.parametrize("token", ["a-secret-without-an-id", "123:short"])
async def test_nothing_of_a_malformed_token_is_in_the_journal(
    client: httpx.AsyncClient, token: str
) -> None:
    await call(client, "getMe", token)
    journal = await client.get("/_journal")
    assert journal.json()[0]["account"] is None
    assert token not in journal.text


async def test_get_chat_of_a_public_channel_proves_no_membership(
    client: httpx.AsyncClient,
) -> None:
    made = await account(client, status="left")
    token, chat = made["token"], made["chat_id"]
    assert (await call(client, "getChat", token, chat_id=chat)).status_code == 200
    member = await call(client, "getChatMember", token, chat_id=chat, user_id=made["bot_id"])
    assert member.json()["result"]["status"] == "left"
    sent = await send(client, token, chat_id=chat)
    assert refusal(sent) == (403, "Forbidden: bot is not a member of the channel chat")


async def test_an_unknown_chat_is_not_found(client: httpx.AsyncClient) -> None:
    for chat in ("@nobody_here", "-1009999999999", "clipcast_demo"):
        answer = await call(client, "getChat", chat_id=chat)
        assert refusal(answer) == (400, "Bad Request: chat not found")
    assert refusal(await call(client, "getChat")) == (400, "Bad Request: chat_id is empty")


async def test_a_chat_takes_a_short_burst_then_one_a_second(
    client: httpx.AsyncClient, world: World
) -> None:
    for _ in range(3):
        assert (await send(client)).status_code == 200
    refused = await send(client)
    assert refused.status_code == 429
    seconds = refused.json()["parameters"]["retry_after"]
    assert refused.headers["retry-after"] == str(seconds)
    assert refused.json()["description"] == f"Too Many Requests: retry after {seconds}"
    world.clock.advance(seconds)
    assert (await send(client)).status_code == 200


async def test_a_chat_takes_twenty_messages_a_minute(
    client: httpx.AsyncClient, world: World
) -> None:
    for _ in range(20):
        assert (await send(client)).status_code == 200
        world.clock.advance(2)
    refused = await send(client)
    assert refused.status_code == 429
    assert 15 <= refused.json()["parameters"]["retry_after"] <= 20


async def test_a_bot_sends_thirty_a_second_over_all_chats() -> None:
    limits, now = TelegramLimits(), datetime(2026, 1, 1, tzinfo=UTC)
    for chat in range(30):
        limits.take(1, chat, now)
    with pytest.raises(RefusedError, match="retry after 1"):
        limits.take(1, 30, now)
    limits.take(2, 30, now)
    limits.take(1, 30, now + timedelta(seconds=1))


async def test_an_unchanged_caption_proves_the_post_exists(client: httpx.AsyncClient) -> None:
    number = (await send(client, caption="one")).json()["result"]["message_id"]
    same = await call(
        client, "editMessageCaption", chat_id=CHANNEL, message_id=number, caption="one"
    )
    assert same.status_code == 400
    assert same.json()["description"].startswith("Bad Request: message is not modified: ")
    edited = await call(
        client, "editMessageCaption", chat_id=CHANNEL, message_id=number, caption="two"
    )
    assert edited.json()["result"]["caption"] == "two"
    gone = await call(client, "editMessageCaption", chat_id=CHANNEL, message_id=999, caption="x")
    assert refusal(gone) == (400, "Bad Request: message to edit not found")


async def test_a_post_is_deleted_once_and_only_within_two_days(
    client: httpx.AsyncClient, world: World
) -> None:
    young = (await send(client)).json()["result"]["message_id"]
    old = (await send(client)).json()["result"]["message_id"]
    deleted = await call(client, "deleteMessage", chat_id=CHANNEL, message_id=young)
    assert deleted.json()["result"] is True
    again = await call(client, "deleteMessage", chat_id=CHANNEL, message_id=young)
    assert refusal(again) == (400, "Bad Request: message to delete not found")
    world.clock.advance(48 * 3600 + 1)
    late = await call(client, "deleteMessage", chat_id=CHANNEL, message_id=old)
    assert refusal(late) == (400, "Bad Request: message can't be deleted")
    ledger = (await client.get("/_ledger")).json()
    assert [post["deleted_at"] is not None for post in ledger] == [True, False]


async def test_a_probe_by_copy_shows_the_size_and_respects_protection(
    client: httpx.AsyncClient,
) -> None:
    open_post = (await send(client)).json()["result"]["message_id"]
    closed = (await send(client, protect_content="true")).json()["result"]["message_id"]
    service = await account(client, token=DEMO_TOKEN, public=False)
    probe = {"chat_id": service["chat_id"], "from_chat_id": CHANNEL}
    seen = await call(client, "forwardMessage", **probe, message_id=open_post)
    assert seen.json()["result"]["video"]["file_size"] == len(CLIP)
    assert seen.json()["result"]["forward_origin"]["message_id"] == open_post
    copied = await call(client, "copyMessage", **probe, message_id=open_post)
    assert copied.json()["result"] == {"message_id": 2}
    refused = await call(client, "copyMessage", **probe, message_id=closed)
    assert refusal(refused) == (400, "Bad Request: message can't be copied")
    missing = await call(client, "copyMessage", **probe, message_id=99)
    assert refusal(missing) == (400, "Bad Request: message to copy not found")


async def test_after_logout_the_cloud_refuses_for_ten_minutes(
    client: httpx.AsyncClient, world: World
) -> None:
    assert (await call(client, "close")).status_code == 429
    assert (await call(client, "logOut")).json()["result"] is True
    refused = (400, "Bad Request: the bot has already been logged out")
    assert refusal(await call(client, "getMe")) == refused
    world.clock.advance(601)
    assert (await call(client, "getMe")).status_code == 200


async def test_the_journal_never_holds_the_token(client: httpx.AsyncClient) -> None:
    await send(client)
    assert DEMO_TOKEN.partition(":")[2] not in (await client.get("/_journal")).text
