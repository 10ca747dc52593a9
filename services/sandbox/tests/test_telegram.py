"""The Bot API's simulator: strict where the real one is, down to the texts clients compare."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.telegram_accounts import DEMO_TOKEN
from sandbox.telegram_errors import RefusedError
from sandbox.telegram_limits import TelegramLimits
from sandbox.world import World, make_world

pytestmark = pytest.mark.anyio

CHANNEL = "@clipcast_demo"
CLIP = b"\0\0\0\x18ftypmp42" + b"clip" * 1000


async def call(
    client: httpx.AsyncClient, method: str, token: str = DEMO_TOKEN, **params: Any
) -> httpx.Response:
    answer = await client.post(f"/telegram/bot{token}/{method}", data=params)
    body = answer.json()
    assert body["ok"] == (answer.status_code == 200)
    if not body["ok"]:
        assert body["error_code"] == answer.status_code
    return answer


async def send(
    client: httpx.AsyncClient, token: str = DEMO_TOKEN, *, file: bytes = CLIP, **params: Any
) -> httpx.Response:
    data = {"chat_id": CHANNEL, **params}
    files = {"video": ("clip.mp4", file, "video/mp4")}
    return await client.post(f"/telegram/bot{token}/sendVideo", data=data, files=files)


async def account(client: httpx.AsyncClient, **overrides: Any) -> dict[str, Any]:
    answer = await client.post("/_accounts", json={"platform": "telegram", **overrides})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["description"]


async def test_a_sent_video_is_answered_in_full_and_stands_in_the_ledger(
    client: httpx.AsyncClient,
) -> None:
    answer = await send(client, caption="Заголовок", width=270, height=480, duration=4)
    assert answer.status_code == 200, answer.text
    message = answer.json()["result"]
    video = message["video"]
    assert message["chat"]["username"] == "clipcast_demo"
    assert message["sender_chat"]["type"] == "channel"
    assert (video["width"], video["height"], video["duration"]) == (270, 480, 4)
    assert video["file_size"] == len(CLIP)
    (post,) = (await client.get("/_ledger")).json()
    assert post["sha256"] == hashlib.sha256(CLIP).hexdigest()
    assert post["bytes"] == len(CLIP)
    assert post["url"] == f"https://t.me/clipcast_demo/{message['message_id']}"
    assert post["title"] == "Заголовок"


async def test_a_private_channel_is_linked_by_its_number(client: httpx.AsyncClient) -> None:
    made = await account(client, public=False)
    answer = await send(client, made["token"], chat_id=made["chat_id"])
    assert "username" not in answer.json()["result"]["chat"]
    (post,) = (await client.get("/_ledger")).json()
    bare = str(made["chat_id"]).removeprefix("-100")
    assert post["url"] == f"https://t.me/c/{bare}/1"


async def test_the_video_may_come_under_another_part_name(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        f"/telegram/bot{DEMO_TOKEN}/sendvideo",
        data={"chat_id": CHANNEL, "video": "attach://x1"},
        files={"x1": ("a.mp4", CLIP, "video/mp4")},
    )
    assert answer.json()["result"]["video"]["file_size"] == len(CLIP)


async def test_a_file_id_is_sent_again_without_bytes(client: httpx.AsyncClient) -> None:
    video = (await send(client)).json()["result"]["video"]
    again = await call(client, "sendVideo", chat_id=CHANNEL, video=video["file_id"])
    assert again.json()["result"]["video"]["file_unique_id"] == video["file_unique_id"]
    unknown = await call(client, "sendVideo", chat_id=CHANNEL, video="BAAC")
    assert refusal(unknown)[1].startswith("Bad Request: wrong remote file identifier")


async def test_a_link_is_really_fetched(served: httpx.AsyncClient) -> None:
    page = await call(served, "sendVideo", chat_id=CHANNEL, video=f"{served.base_url}/healthz")
    assert refusal(page) == (400, "Bad Request: wrong type of the web page content")
    gone = await call(served, "sendVideo", chat_id=CHANNEL, video="http://127.0.0.1:9/clip.mp4")
    assert refusal(gone) == (400, "Bad Request: failed to get HTTP URL content")


async def test_no_video_and_an_empty_one_are_refused(client: httpx.AsyncClient) -> None:
    none = await call(client, "sendVideo", chat_id=CHANNEL)
    assert refusal(none) == (400, "Bad Request: there is no video in the request")
    assert refusal(await send(client, file=b"")) == (400, "Bad Request: file must be non-empty")


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


@pytest.mark.parametrize(
    ("overrides", "refused"),
    [
        ({"status": "kicked"}, (403, "Forbidden: bot was kicked from the channel chat")),
        (
            {"can_post_messages": False},
            (400, "Bad Request: need administrator rights in the channel chat"),
        ),
        (
            {"status": "member"},
            (400, "Bad Request: need administrator rights in the channel chat"),
        ),
        (
            {"status": "left", "public": False},
            (403, "Forbidden: bot is not a member of the channel chat"),
        ),
        (
            {"kind": "supergroup", "status": "restricted"},
            (400, "Bad Request: not enough rights to send videos to the chat"),
        ),
    ],
)
async def test_whoever_may_not_post_is_refused(
    client: httpx.AsyncClient, overrides: dict[str, Any], refused: tuple[int, str]
) -> None:
    made = await account(client, **overrides)
    assert refusal(await send(client, made["token"], chat_id=made["chat_id"])) == refused
    assert (await client.get("/_ledger")).json() == []


async def test_an_unknown_chat_is_not_found(client: httpx.AsyncClient) -> None:
    for chat in ("@nobody_here", "-1009999999999", "clipcast_demo"):
        answer = await call(client, "getChat", chat_id=chat)
        assert refusal(answer) == (400, "Bad Request: chat not found")
    assert refusal(await call(client, "getChat")) == (400, "Bad Request: chat_id is empty")


async def test_a_migrated_group_tells_its_new_number(client: httpx.AsyncClient) -> None:
    made = await account(client, kind="migrated_group")
    answer = await send(client, made["token"], chat_id=made["chat_id"])
    assert answer.status_code == 400
    moved = answer.json()["parameters"]["migrate_to_chat_id"]
    assert str(moved).startswith("-100")
    assert (await send(client, made["token"], chat_id=moved)).status_code == 200


async def test_captions_are_counted_in_utf16_after_markup(client: httpx.AsyncClient) -> None:
    assert (await send(client, caption="я" * 1024)).status_code == 200
    too_long = (400, "Bad Request: message caption is too long")
    assert refusal(await send(client, caption="😀" * 512 + "!")) == too_long
    marked = await send(client, caption=f"<b>{'я' * 1024}</b>", parse_mode="HTML")
    assert marked.json()["result"]["caption"] == "я" * 1024
    broken = await send(client, caption="a <b>c", parse_mode="HTML")
    assert refusal(broken)[1].startswith("Bad Request: can't parse entities")


async def test_fifty_megabytes_are_the_end(client: httpx.AsyncClient) -> None:
    over = await send(client, file=b"x" * 50_000_001)
    assert refusal(over) == (413, "Request Entity Too Large")
    assert (await send(client, file=b"x" * 50_000_000)).status_code == 200


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


async def test_a_lost_answer_leaves_the_post_standing(served: httpx.AsyncClient) -> None:
    order = {"platform": "telegram", "step": "sendVideo", "kind": "drop_after"}
    await served.post("/_faults", json=order)
    with pytest.raises(httpx.RemoteProtocolError):
        await send(served)
    assert len((await served.get("/_ledger")).json()) == 1


async def test_ordered_refusals_post_nothing(client: httpx.AsyncClient) -> None:
    for kind, status in {"rate_limited": 429, "token_refused": 401, "restart": 500}.items():
        order = {"platform": "telegram", "step": "sendVideo", "kind": kind}
        assert (await client.post("/_faults", json=order)).status_code == 201
        assert (await send(client)).status_code == status
    assert (await client.get("/_ledger")).json() == []


async def test_the_journal_never_holds_the_token(client: httpx.AsyncClient) -> None:
    await send(client)
    assert DEMO_TOKEN.partition(":")[2] not in (await client.get("/_journal")).text


async def test_a_restarted_sandbox_knows_its_chats_and_numbers(tmp_path: Path) -> None:
    settings = Settings(ledger_file=tmp_path / "ledger.jsonl")

    def process() -> httpx.AsyncClient:
        app = httpx.ASGITransport(app=create_app(make_world(settings)))
        return httpx.AsyncClient(transport=app, base_url="http://sandbox.test")

    async with process() as before:
        made = await account(before)
        await send(before, made["token"], chat_id=made["channel"], caption="one")
    async with process() as after:
        same = await call(
            after,
            "editMessageCaption",
            made["token"],
            chat_id=made["channel"],
            message_id=1,
            caption="one",
        )
        assert "not modified" in refusal(same)[1]
        sent = await send(after, made["token"], chat_id=made["channel"])
        assert sent.json()["result"]["message_id"] == 2
        assert len((await after.get("/_ledger")).json()) == 2
