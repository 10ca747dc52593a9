"""The VK simulator as vkbottle sees it: answers parse, error codes are its exceptions."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from conformance.foreign.conftest import Speak
from conformance.sandbox_process import Sandbox


@pytest.fixture
def user(sandbox: Sandbox) -> dict[str, Any]:
    return sandbox.account("vk")


def test_vkbottle_knows_who_it_is(user: dict[str, Any], speak: Speak) -> None:
    (who,) = speak("vkbottle", user["access_token"], ("users.get", {}))
    assert [person["id"] for person in who["value"]] == [user["user_id"]]


def test_vkbottle_uploads_a_clip_and_finds_it_ready_after_processing(
    sandbox: Sandbox, user: dict[str, Any], speak: Speak, clip: Path
) -> None:
    token = user["access_token"]
    (uploaded,) = speak("vkbottle", token, ("upload", {"path": str(clip), "name": "Клип"}))
    owner, video = uploaded["value"]["owner_id"], uploaded["value"]["video_id"]
    assert owner == user["user_id"]
    look = ("video.get", {"videos": [f"{owner}_{video}"]})
    (early,) = speak("vkbottle", token, look)
    assert early["value"]["items"][0]["processing"] == 1
    sandbox.control.post("/_clock", json={"advance_seconds": 120}).raise_for_status()
    (ready,) = speak("vkbottle", token, look)
    (item,) = ready["value"]["items"]
    assert (item["title"], item["id"]) == ("Клип", video)
    assert not item.get("processing")
    (post,) = sandbox.ledger()
    assert post["sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()


def test_vkbottle_saves_and_edits_a_video(user: dict[str, Any], speak: Speak) -> None:
    (saved,) = speak("vkbottle", user["access_token"], ("video.save", {"name": "Клип"}))
    assert saved["value"]["upload_url"].startswith("http")
    change = {"video_id": saved["value"]["video_id"], "name": "Другой"}
    (edited,) = speak("vkbottle", user["access_token"], ("video.edit", change))
    assert edited["value"]["success"] == 1


@pytest.mark.parametrize(
    ("kind", "code", "raised"),
    [
        ("token_refused", 5, "APIAuthError"),
        ("rate_limited", 6, "VKAPIError_6"),
        ("flood", 9, "VKAPIError_9"),
        ("internal_error", 10, "VKAPIError_10"),
        ("scope_missing", 15, "VKAPIError_15"),
        ("quota", 29, "VKAPIError_29"),
        ("video_access_denied", 204, "VKAPIError_204"),
    ],
)
def test_vkbottle_raises_the_exception_of_each_code(
    sandbox: Sandbox, user: dict[str, Any], speak: Speak, kind: str, code: int, raised: str
) -> None:
    sandbox.fail("vk", "video.save", kind)
    (refused,) = speak("vkbottle", user["access_token"], ("video.save", {"name": "Клип"}))
    assert refused == {"raised": raised, "code": code, "matched": True}


def test_vkbottle_finds_both_keys_of_a_captcha(
    sandbox: Sandbox, user: dict[str, Any], speak: Speak
) -> None:
    sandbox.fail("vk", "video.save", "captcha")
    (refused,) = speak("vkbottle", user["access_token"], ("video.save", {"name": "Клип"}))
    assert (refused["raised"], refused["code"]) == ("CaptchaError", 14)
    assert refused["captcha"]["sid"]
    assert refused["captcha"]["img"].startswith("http")


def test_a_dead_token_is_an_auth_error(speak: Speak) -> None:
    (refused,) = speak("vkbottle", "vk2.a.nobody", ("users.get", {}))
    assert (refused["raised"], refused["code"]) == ("APIAuthError", 5)
