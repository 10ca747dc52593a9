"""Delays, lengths and sizes, to the last unit."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms.dzen.limits import limits as dzen
from platforms.port import Limits
from platforms.rutube.limits import limits as rutube
from platforms.settings import PlatformUrls
from platforms.telegram.limits import limits as telegram
from platforms.vk.limits import limits as vk
from publisher.domain.limits import Excess, excesses, utf16_units
from publisher.domain.retry import next_delay

URLS = PlatformUrls()
DELAYS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
DANCER = "💃"
"""One character, two UTF-16 units."""


def found(limits: Limits, title: str = "", description: str = "", size: int = 0) -> list[Excess]:
    return list(excesses(limits, title=title, description=description, size=size))


def test_the_retries_come_after_5_15_and_60_minutes_and_then_never() -> None:
    assert [next_delay(failures, DELAYS, draw=0.5) for failures in (1, 2, 3, 4, 5)] == [
        *DELAYS,
        None,
        None,
    ]
    assert next_delay(1, ()) is None


@given(st.integers(1, 3), st.floats(0, 1))
def test_jitter_moves_a_delay_by_a_tenth_at_most(failures: int, draw: float) -> None:
    delay = next_delay(failures, DELAYS, draw)
    assert delay is not None
    assert 0.9 <= delay / DELAYS[failures - 1] <= 1.1


def test_publications_that_failed_together_do_not_come_back_together() -> None:
    assert len({next_delay(1, DELAYS) for _ in range(20)}) > 10


@pytest.mark.parametrize(
    ("limits", "title", "description"), [(vk, 128, 5000), (rutube, 100, 5000), (dzen, 200, 5000)]
)
def test_titles_and_texts_are_counted_in_characters(
    limits: object, title: int, description: int
) -> None:
    given_limits: Limits = limits(URLS)  # type: ignore[operator] # a function of the urls
    assert found(given_limits, DANCER * title, DANCER * description) == []
    assert found(given_limits, "x" * (title + 1), "") == [Excess("title", "text_too_long")]
    assert found(given_limits, "", "x" * (description + 1)) == [
        Excess("description", "text_too_long")
    ]
    assert len(found(given_limits, "x" * (title + 1), "x" * (description + 1))) == 2


@pytest.mark.parametrize(
    ("title", "description", "fits"),
    [
        ("x" * 1024, "", True),
        ("x" * 1025, "", False),
        ("", "x" * 1024, True),
        ("x" * 24, "x" * 998, True),
        ("x" * 24, "x" * 999, False),
        (DANCER * 512, "", True),
        (DANCER * 512 + "x", "", False),
        (DANCER * 10, DANCER * 501, True),
        (DANCER * 10, DANCER * 501 + "x", False),
    ],
)
def test_telegram_counts_title_blank_line_and_text_in_utf16(
    title: str, description: str, fits: bool
) -> None:
    problems = found(telegram(URLS), title, description)
    assert problems == ([] if fits else [Excess("description", "text_too_long")])


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_utf16_units_are_what_other_languages_call_length(text: str) -> None:
    assert utf16_units(text) == sum(2 if ord(sign) > 0xFFFF else 1 for sign in text)


@pytest.mark.parametrize(
    ("limits", "most"),
    [(vk, 256_000_000), (telegram, 50_000_000), (dzen, 4_000_000_000), (rutube, 10_000_000_000)],
)
def test_a_file_may_be_exactly_as_large_as_the_limit(limits: object, most: int) -> None:
    given_limits: Limits = limits(URLS)  # type: ignore[operator] # a function of the urls
    assert found(given_limits, size=most) == []
    assert found(given_limits, size=most + 1) == [Excess("media", "media_too_large")]
