"""The Telegram simulator as aiogram sees it: answers parse, refusals are its exceptions."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from conformance.foreign.conftest import Speak
from conformance.sandbox_process import Sandbox


@pytest.fixture
def bot(sandbox: Sandbox) -> dict[str, Any]:
    return sandbox.account("telegram")


def test_aiogram_verifies_a_channel(bot: dict[str, Any], speak: Speak) -> None:
    me, chat, member, count = speak(
        "aiogram",
        bot["token"],
        ("get_me", {}),
        ("get_chat", {"chat_id": bot["channel"]}),
        ("get_chat_member", {"chat_id": bot["chat_id"], "user_id": bot["bot_id"]}),
        ("get_chat_member_count", {"chat_id": bot["chat_id"]}),
    )
    assert (me["type"], me["value"]["id"]) == ("User", bot["bot_id"])
    assert (chat["type"], chat["value"]["id"]) == ("ChatFullInfo", bot["chat_id"])
    assert member["type"] == "ChatMemberAdministrator"
    assert member["value"]["can_post_messages"] is True
    assert count == {"type": "int", "value": 128}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("creator", "ChatMemberOwner"),
        ("member", "ChatMemberMember"),
        ("left", "ChatMemberLeft"),
        ("restricted", "ChatMemberRestricted"),
    ],
)
def test_aiogram_parses_every_member_state(
    sandbox: Sandbox, speak: Speak, status: str, kind: str
) -> None:
    bot = sandbox.account("telegram", status=status)
    where = {"chat_id": bot["chat_id"], "user_id": bot["bot_id"]}
    (member,) = speak("aiogram", bot["token"], ("get_chat_member", where))
    assert (member["type"], member["value"]["status"]) == (kind, status)


def test_aiogram_publishes_edits_copies_and_deletes_a_clip(
    sandbox: Sandbox, bot: dict[str, Any], speak: Speak, clip: Path
) -> None:
    chat = bot["chat_id"]
    video = {"path": str(clip), "width": 270, "height": 480, "duration": 4}
    sent, again, edited, copied, deleted, gone = speak(
        "aiogram",
        bot["token"],
        ("send_video", {"chat_id": chat, "caption": "Клип", "supports_streaming": True, **video}),
        ("edit_message_caption", {"chat_id": chat, "message_id": 1, "caption": "Клип"}),
        ("edit_message_caption", {"chat_id": chat, "message_id": 1, "caption": "Два"}),
        ("copy_message", {"chat_id": chat, "from_chat_id": chat, "message_id": 1}),
        ("delete_message", {"chat_id": chat, "message_id": 1}),
        ("delete_message", {"chat_id": chat, "message_id": 1}),
    )
    assert sent["type"] == "Message"
    assert sent["value"]["caption"] == "Клип"
    assert sent["value"]["video"]["file_size"] == clip.stat().st_size
    assert again["raised"] == "TelegramBadRequest"
    assert "message is not modified" in again["message"]
    assert edited["value"]["caption"] == "Два"
    assert (copied["type"], copied["value"]) == ("MessageId", {"message_id": 2})
    assert deleted == {"type": "bool", "value": True}
    assert gone["raised"] == "TelegramBadRequest"
    (post, copy) = sandbox.control.get("/_ledger").json()
    assert post["deleted_at"] is not None
    assert copy["deleted_at"] is None
    assert post["sha256"] == copy["sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()


def test_aiogram_is_told_to_wait(bot: dict[str, Any], speak: Speak) -> None:
    message = ("send_message", {"chat_id": bot["chat_id"], "text": "x"})
    *accepted, refused = speak("aiogram", bot["token"], *[message] * 4)
    assert [one["type"] for one in accepted] == ["Message"] * 3
    assert refused["raised"] == "TelegramRetryAfter"
    assert 1 <= refused["retry_after"] <= 3


@pytest.mark.parametrize(
    ("overrides", "raised"),
    [
        ({"revoked": True}, "TelegramUnauthorizedError"),
        ({"status": "kicked"}, "TelegramForbiddenError"),
        ({"can_post_messages": False}, "TelegramBadRequest"),
        ({"kind": "migrated_group"}, "TelegramMigrateToChat"),
    ],
)
def test_aiogram_raises_its_own_exception_for_each_refusal(
    sandbox: Sandbox,
    speak: Speak,
    clip: Path,
    overrides: dict[str, Any],
    raised: str,
) -> None:
    bot = sandbox.account("telegram", **overrides)
    video = {"chat_id": bot["chat_id"], "path": str(clip)}
    (refused,) = speak("aiogram", bot["token"], ("send_video", video))
    assert refused["raised"] == raised
    if raised == "TelegramMigrateToChat":
        assert refused["migrate_to_chat_id"] == bot["migrated_to"]
    assert sandbox.ledger() == []


def test_aiogram_learns_that_a_file_is_too_large(
    bot: dict[str, Any], speak: Speak, tmp_path: Path
) -> None:
    large = tmp_path / "large.mp4"
    with large.open("wb") as file:
        file.truncate(50_000_001)
    video = {"chat_id": bot["chat_id"], "path": str(large)}
    (refused,) = speak("aiogram", bot["token"], ("send_video", video))
    assert refused["raised"] == "TelegramEntityTooLarge"


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("error_502_html", "ClientDecodeError"),
        ("invalid_json", "ClientDecodeError"),
        ("restart", "RestartingTelegram"),
        ("drop_before", "TelegramNetworkError"),
    ],
)
def test_aiogram_recognises_a_broken_server(
    sandbox: Sandbox, bot: dict[str, Any], speak: Speak, kind: str, raised: str
) -> None:
    sandbox.fail("telegram", "getMe", kind)
    broken, well = speak("aiogram", bot["token"], ("get_me", {}), ("get_me", {}))
    assert broken["raised"] == raised
    assert well["type"] == "User"


def test_a_lost_answer_is_a_network_error_and_the_post_stands(
    sandbox: Sandbox, bot: dict[str, Any], speak: Speak, clip: Path
) -> None:
    sandbox.fail("telegram", "sendVideo", "drop_after")
    video = {"chat_id": bot["chat_id"], "path": str(clip)}
    (lost,) = speak("aiogram", bot["token"], ("send_video", video))
    assert lost["raised"] == "TelegramNetworkError"
    assert len(sandbox.ledger()) == 1
