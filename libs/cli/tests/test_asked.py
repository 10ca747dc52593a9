"""What is written on the command line is understood, or the right form is said."""

from pathlib import Path

import pytest

from cli import asked
from cli.connect import finish_id
from cli.failures import Failure
from cli.wanted import Wanted

ACCOUNT = "01a206a7-37e4-7ea0-9c2d-ea8020028748"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


def test_targets_are_platforms_and_accounts() -> None:
    assert asked.targets(["telegram, vk", ACCOUNT.upper()]) == [
        {"platform": "telegram"},
        {"platform": "vk"},
        {"connection_id": ACCOUNT},
    ]


@pytest.mark.parametrize("word", ["facebook", ",", "vk;dzen"])
def test_a_target_that_is_neither_is_refused(word: str) -> None:
    with pytest.raises(Failure) as refused:
        asked.targets([word])
    assert refused.value.exit_code == 2
    assert "vk" in "".join(refused.value.lines)


def test_a_time_needs_its_offset() -> None:
    assert asked.instant("2026-12-01T10:00+03:00") == "2026-12-01T10:00:00+03:00"
    for word in ("tomorrow", "2026-12-01T10:00", "2026-12-01", "0001-01-01T00:00+03:00"):
        with pytest.raises(Failure) as refused:
            asked.instant(word)
        assert asked.FORM in refused.value.lines[0]


def test_a_period_begins_with_a_day_or_a_time() -> None:
    assert asked.edge("2026-12-01") == "2026-12-01"
    assert asked.edge("2026-12-01T10:00Z") == "2026-12-01T10:00:00+00:00"
    with pytest.raises(Failure):
        asked.edge("last week")


def test_refusals_are_in_russian_for_russians(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    with pytest.raises(Failure) as refused:
        asked.instant("завтра")
    assert "нужно записать" in refused.value.lines[0]


def test_a_finish_is_read_from_the_address_or_alone() -> None:
    assert finish_id("https://shop.example/?platform=vk&finish=ab-C_1\n") == "ab-C_1"
    assert finish_id("  ab-C_1 ") == "ab-C_1"


def test_a_refused_consent_is_told() -> None:
    with pytest.raises(Failure) as refused:
        finish_id("https://shop.example/?platform=vk&error=access_denied")
    assert (refused.value.exit_code, refused.value.code) == (1, "access_denied")


@pytest.mark.parametrize("word", ["", "https://shop.example/", "two words"])
def test_anything_else_is_no_finish(word: str) -> None:
    with pytest.raises(Failure) as refused:
        finish_id(word)
    assert refused.value.exit_code == 2


def wanted(**other: object) -> Wanted:
    usual = {
        "clip": Path("clip.mp4"),
        "sha256": "ab",
        "targets": [{"platform": "vk"}],
        "title": "Hello",
        "description": "",
        "at": None,
        "given_key": None,
    }
    return Wanted(**usual | other)  # type: ignore[arg-type] # a table of fields


def test_the_same_wish_has_the_same_key_wherever_the_file_lies() -> None:
    assert wanted().key == wanted(clip=Path("/elsewhere/copy.mp4")).key


@pytest.mark.parametrize(
    "other",
    [
        {"sha256": "cd"},
        {"title": "Bye"},
        {"description": "more"},
        {"at": "2026-12-01T10:00:00+03:00"},
        {"targets": [{"platform": "dzen"}]},
        {"given_key": "mine"},
    ],
)
def test_another_wish_has_another_key(other: dict[str, object]) -> None:
    assert wanted(**other).key != wanted().key


def test_the_order_of_targets_and_the_offset_of_a_time_make_no_other_wish() -> None:
    here, there = {"platform": "vk"}, {"connection_id": ACCOUNT}
    assert wanted(targets=[here, there]).key == wanted(targets=[there, here]).key
    moscow, utc = "2026-12-01T10:00:00+03:00", "2026-12-01T07:00:00+00:00"
    assert wanted(at=moscow).key == wanted(at=utc).key


def test_a_clip_is_its_bytes_and_a_given_key() -> None:
    assert wanted(title="Bye", at="2026-12-01T10:00Z").clip_id == wanted().clip_id
    others = [wanted(sha256="cd"), wanted(given_key="a"), wanted(given_key="b")]
    assert len({one.clip_id for one in [wanted(), *others]}) == 4
