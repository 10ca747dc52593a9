"""The arithmetic of the bench of the pace."""

import pytest
from bench.pacing import too_many, used

RATE = 10.0


def _evenly(calls: int, begin: float = 0.0) -> list[float]:
    return [begin + number / RATE for number in range(calls)]


def test_calls_at_their_time_are_never_too_many() -> None:
    assert too_many(_evenly(400), RATE) == 0
    assert too_many([one + 0.02 * (at % 3) for at, one in enumerate(_evenly(400))], RATE) == 0


@pytest.mark.parametrize("more", [2, 5, 20])
def test_a_burst_is_seen_wherever_it_is(more: int) -> None:
    calls = sorted([*_evenly(400), *[20.05] * more])
    assert more - 1 <= too_many(calls, RATE) <= more


def test_a_pace_that_is_a_little_too_fast_shows_in_a_longer_window() -> None:
    assert too_many([one / 1.02 for one in _evenly(400)], RATE) == 7


def test_what_is_used_is_counted_within_its_time() -> None:
    assert used(_evenly(400), RATE, 5.0, 10.0) == pytest.approx(1.0, abs=0.01)
    assert used([*_evenly(50), *_evenly(50, 10.0)], RATE, 0.0, 15.0) == pytest.approx(
        2 / 3, abs=0.01
    )
