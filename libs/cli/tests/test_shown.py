"""Tables say what is known, and of what nobody counted that nobody did."""

import pytest
from rich.table import Table

from cli import shown, words
from common.contracts.words import Platform
from publisher.app.pauses import Scope
from publisher.domain.states import Status
from stats_collector.domain.series import Resolution
from stats_collector.domain.summary import Grouping

NOBODY = {"views": None, "likes": None, "shares": None, "comments": None, "views_growth": None}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


def cells(grid: Table) -> list[list[str]]:
    return [list(line) for line in zip(*(map(str, one.cells) for one in grid.columns), strict=True)]


def test_telegram_has_no_statistics_in_either_language(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"stats": {"views": None, "reason": "no_statistics"}}
    assert shown.views(told) == "no statistics"
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    assert shown.views(told) == "статистика недоступна"


def test_a_summary_shows_no_zero_that_nobody_counted() -> None:
    lines = [{"key": "telegram", "publications": 2} | NOBODY]
    lines += [{"key": "dzen", "publications": 1} | NOBODY | {"views": 0}]
    telegram, dzen = cells(shown.summary(lines, "platform"))
    assert telegram == ["telegram", "2", "no statistics", "", "", "", ""]
    assert dzen == ["dzen (experimental)", "1", "0", "–", "–", "–", "–"]


def test_views_that_were_not_told_yet_are_not_zero() -> None:
    assert shown.views({"stats": None}) == "–"


def test_a_state_says_how_far_it_is() -> None:
    stage = {"name": "uploading", "percent": 40, "until": None, "why": None}
    assert shown.state({"status": "publishing", "stage": stage}) == "publishing uploading 40 %"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (words.Status, Status),
        (words.Scope, Scope),
        (words.Grouping, Grouping),
        (words.Resolution, Resolution),
    ],
)
def test_the_words_are_those_of_the_services(ours: type, theirs: type) -> None:
    assert [str(one) for one in ours] == [str(one) for one in theirs]  # type: ignore[attr-defined] # enums


def test_the_last_of_a_comma_list_is_completed() -> None:
    assert list(words.platforms("")) == list(Platform)
    assert list(words.platforms("vk,")) == ["vk,rutube", "vk,dzen", "vk,telegram"]
    assert list(words.platforms("vk,tele")) == ["vk,telegram"]


def test_what_keeps_a_publication_is_said_once() -> None:
    stage = {"name": "waiting", "percent": None, "until": None, "why": "paused"}
    held = {"status": "publishing", "stage": stage, "hold": "paused"}
    assert shown.state(held) == "publishing waiting paused"
