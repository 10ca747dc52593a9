"""Text lengths in each platform's own units, options, settings, polling, the plug board."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from common.contracts.words import Platform
from platforms.errors import NeverEnding
from platforms.polling import Polling
from platforms.port import Guard, Step
from platforms.reasons import Reason
from platforms.registry import adapters
from platforms.settings import OAuthApps, PlatformUrls
from platforms.texts import join, length, overflow

SANDBOX = {"dzen_api_url": "http://127.0.0.1:8009/dzen/"}
APPS = {
    "vk_publish_client_id": "51",
    "vk_publish_client_secret": "s",
    "vk_publish_redirect_uri": "https://example.org/api/oauth/vk/callback",
}


def test_telegram_counts_utf16_units_of_title_blank_line_and_text_together() -> None:
    limits = adapters(PlatformUrls())[Platform.TELEGRAM].limits
    assert length("🎬", limits.unit) == 2
    assert overflow(limits, "🎬" * 100, "я" * 822) is None
    assert overflow(limits, "🎬" * 100, "я" * 823) == ("description", 1025, 1024)
    assert overflow(limits, "я" * 1025, "") == ("title", 1025, 1024)


def test_the_others_count_characters_of_each_text() -> None:
    board = adapters(PlatformUrls.model_validate(SANDBOX))
    for platform, title in ((Platform.VK, 128), (Platform.RUTUBE, 100), (Platform.DZEN, 200)):
        limits = board[platform].limits
        assert overflow(limits, "🎬" * title, "я" * 5000) is None
        assert overflow(limits, "🎬" * (title + 1), "") == ("title", title + 1, title)
        assert overflow(limits, "t", "я" * 5001) == ("description", 5001, 5000)


def test_a_missing_title_or_text_leaves_no_blank_line() -> None:
    assert [join("a", "b"), join("a", ""), join("", "b")] == ["a\n\nb", "a", "b"]


@pytest.mark.parametrize(
    ("platform", "options"),
    [
        (Platform.VK, {"group_id": -5}),
        (Platform.VK, {"group_id": "5"}),
        (Platform.VK, {"privacy": "nobody knows"}),
        (Platform.VK, {"is_short": True}),
        (Platform.RUTUBE, {"hidden": "yes"}),
        (Platform.DZEN, {"anything": 1}),
        (Platform.TELEGRAM, {"protect_content": 1}),
    ],
)
def test_an_option_that_does_not_exist_or_fit_is_refused(
    platform: Platform, options: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        adapters(PlatformUrls.model_validate(SANDBOX))[platform].options.model_validate(options)


def test_defaults_are_the_documented_ones() -> None:
    board = adapters(PlatformUrls.model_validate(SANDBOX))
    assert {name: adapter.options().model_dump() for name, adapter in board.items()} == {
        Platform.VK: {"group_id": None, "wallpost": False, "privacy": None},
        Platform.RUTUBE: {"category_id": 13, "hidden": False},
        Platform.DZEN: {},
        Platform.TELEGRAM: {"disable_notification": False, "protect_content": False},
    }


def test_dzen_is_off_until_its_address_is_set() -> None:
    assert Platform.DZEN not in adapters(PlatformUrls())
    assert adapters(PlatformUrls.model_validate(SANDBOX))[Platform.DZEN].experimental


def test_dzen_needs_the_yandex_application_where_accounts_are_connected() -> None:
    with pytest.raises(ValueError, match="YANDEX_CLIENT_ID"):
        adapters(
            PlatformUrls.model_validate(SANDBOX), OAuthApps.model_validate(APPS), fingerprint=str
        )


def test_how_an_account_is_connected_is_told_without_any_application() -> None:
    board = adapters(PlatformUrls.model_validate(SANDBOX))
    assert {name: adapter.connect for name, adapter in board.items()} == {
        Platform.VK: "oauth",
        Platform.RUTUBE: "token",
        Platform.DZEN: "oauth",
        Platform.TELEGRAM: "token",
    }


@pytest.mark.parametrize("bad", [{"vk_api_url": "api.vk.com"}, {"poll_first": "soon"}])
def test_a_malformed_setting_is_refused_without_repeating_it(bad: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        PlatformUrls.model_validate(bad)
    assert not any(value in str(caught.value) for value in bad.values())


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOAD_TIMEOUT_VK", "3m")
    monkeypatch.setenv("FILE_LIMIT_VK", "1000")
    monkeypatch.setenv("VK_API_URL", "http://127.0.0.1:8009/vk/")
    urls = PlatformUrls()
    limits = adapters(urls)[Platform.VK].limits
    assert urls.vk_api_url == "http://127.0.0.1:8009/vk"
    assert (limits.file_bytes, limits.upload_timeout) == (1000, timedelta(minutes=3))


def test_a_placeholder_is_no_secret() -> None:
    with pytest.raises(ValidationError):
        OAuthApps.model_validate(APPS | {"vk_publish_client_secret": "changeme"})


def test_waits_for_processing_grow_and_stay_below_the_longest() -> None:
    polling = Polling(
        timedelta(seconds=5), timedelta(seconds=30), timedelta(hours=24), timedelta(0)
    )
    now = datetime.now(UTC)
    waits = [polling.after(polls, now, now).total_seconds() for polls in (0, 1, 2, 5, 1000)]
    assert waits == [5, 7.5, 11.25, 30, 30]


def test_processing_for_longer_than_a_day_is_told_to_a_person() -> None:
    polling = Polling(
        timedelta(seconds=5), timedelta(seconds=30), PlatformUrls().processing_max, timedelta(0)
    )
    now = datetime.now(UTC)
    polling.after(9, now - timedelta(hours=23, minutes=59), now)
    with pytest.raises(NeverEnding) as caught:
        polling.after(9, now - timedelta(hours=24, seconds=1), now)
    assert caught.value.reason is Reason.PROCESSING_STUCK


def test_only_one_module_knows_the_http_library() -> None:
    sources = Path(__file__).parents[1] / "src" / "platforms"
    library = re.compile(r"^(?:import|from) (?:aiohttp|httpx|yarl)\b", re.MULTILINE)
    knowing = {path.name for path in sources.rglob("*.py") if library.search(path.read_text())}
    assert knowing == {"wire.py"}


def test_what_people_can_see_is_never_just_repeated() -> None:
    async def act(job: Any) -> Any:
        """Never called."""

    with pytest.raises(ValueError, match="checked, or done once"):
        Step("send", Guard.REPEATABLE, act, visible=True)
