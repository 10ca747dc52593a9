"""What the Bot API posts and what it refuses, down to the texts clients compare."""

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.telegram_accounts import DEMO_TOKEN
from sandbox.world import make_world
from support.bot_api import CHANNEL, CLIP, account, call, refusal, send

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize("method", ["copyMessage", "forwardMessage"])
async def test_a_copied_video_stands_in_the_ledger_again_until_it_is_deleted(
    client: httpx.AsyncClient, method: str
) -> None:
    await send(client, caption="one")
    copied = await call(
        client, method, chat_id=CHANNEL, from_chat_id=CHANNEL, message_id=1, caption="two"
    )
    assert copied.json()["result"]["message_id"] == 2
    first, second = (await client.get("/_ledger")).json()
    assert (second["sha256"], second["bytes"]) == (first["sha256"], first["bytes"])
    assert second["title"] == ("two" if method == "copyMessage" else "one")
    assert second["url"] == "https://t.me/clipcast_demo/2"
    await call(client, "deleteMessage", chat_id=CHANNEL, message_id=2)
    first, second = (await client.get("/_ledger")).json()
    assert (first["deleted_at"], second["deleted_at"] is None) == (None, False)


async def test_a_copied_text_is_no_post_of_the_ledger(client: httpx.AsyncClient) -> None:
    await call(client, "sendMessage", chat_id=CHANNEL, text="hello")
    await call(client, "copyMessage", chat_id=CHANNEL, from_chat_id=CHANNEL, message_id=1)
    assert (await client.get("/_ledger")).json() == []


async def test_a_link_is_really_fetched(served: httpx.AsyncClient) -> None:
    page = await call(served, "sendVideo", chat_id=CHANNEL, video=f"{served.base_url}/healthz")
    assert refusal(page) == (400, "Bad Request: wrong type of the web page content")
    gone = await call(served, "sendVideo", chat_id=CHANNEL, video="http://127.0.0.1:9/clip.mp4")
    assert refusal(gone) == (400, "Bad Request: failed to get HTTP URL content")


async def test_no_video_and_an_empty_one_are_refused(client: httpx.AsyncClient) -> None:
    none = await call(client, "sendVideo", chat_id=CHANNEL)
    assert refusal(none) == (400, "Bad Request: there is no video in the request")
    assert refusal(await send(client, file=b"")) == (400, "Bad Request: file must be non-empty")


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


async def test_a_restarted_sandbox_knows_its_chats_and_numbers(tmp_path: Path) -> None:
    settings = Settings(ledger_file=tmp_path / "ledger.jsonl")

    def process() -> httpx.AsyncClient:
        app = httpx.ASGITransport(app=create_app(make_world(settings)))
        return httpx.AsyncClient(transport=app, base_url="http://sandbox.test")

    async with process() as before:
        made = await account(before)
        there = {"token": made["token"], "chat_id": made["channel"]}
        await send(before, **there, caption="one")
        await call(before, "editMessageCaption", **there, message_id=1, caption="two")
        await call(before, "sendMessage", **there, text="gone soon")
        await call(before, "deleteMessage", **there, message_id=2)
    async with process() as after:
        same = await call(after, "editMessageCaption", **there, message_id=1, caption="two")
        assert "not modified" in refusal(same)[1]
        again = await call(after, "deleteMessage", **there, message_id=2)
        assert refusal(again) == (400, "Bad Request: message to delete not found")
        sent = await send(after, **there)
        assert sent.json()["result"]["message_id"] == 3
        assert len((await after.get("/_ledger")).json()) == 2
