"""The verdicts of the soak: a leak is told from noise, and nothing that must not happen is."""

from collections.abc import Callable
from typing import Any

import pytest
from bench.flat.verdict import FLAT, GROWS, KINDS, SHORT, judged, table

RATE = 10.0
HOURS = 0.5
SAMPLES = 400


def _verdict(kind: str, value: Callable[[float], float], hours: float = HOURS) -> str:
    """Of something that has this value at each part of the run, from 0 to 1."""
    samples = [{(kind, "it"): value(at / SAMPLES)} for at in range(SAMPLES)]
    [told] = judged(samples, hours, RATE)
    return str(told["verdict"])


@pytest.mark.parametrize("kind", [one for one in KINDS if one != "never"])
def test_what_stays_is_flat_and_what_doubles_all_the_time_grows(kind: str) -> None:
    assert _verdict(kind, lambda _: 100) == FLAT
    assert _verdict(kind, lambda at: 100 * 2 ** (10 * at)) == GROWS


def test_a_leak_of_a_kibibyte_a_publication_is_seen_in_half_an_hour() -> None:
    published = RATE * HOURS * 3600
    assert _verdict("memory", lambda at: 120 + at * published / 1024) == GROWS


def test_one_file_a_minute_is_seen_too() -> None:
    assert _verdict("files", lambda at: 20 + int(at * HOURS * 60)) == GROWS


def test_warming_up_is_no_growth_and_neither_is_a_peak() -> None:
    assert _verdict("memory", lambda at: 100 if at < 0.2 else 150) == FLAT
    assert _verdict("waiting", lambda at: 5000 if 0.9 < at < 0.95 else 1) == FLAT


def test_a_queue_that_only_grows_is_seen_while_one_that_swings_is_not() -> None:
    assert _verdict("waiting", lambda at: at * RATE * 60) == GROWS
    assert _verdict("waiting", lambda at: (at * 100 % 2) * RATE) == FLAT


def test_a_single_dead_letter_is_one_too_many() -> None:
    assert _verdict("never", lambda at: 1 if 0.5 < at < 0.51 else 0) == GROWS
    assert _verdict("never", lambda _: 0) == FLAT


def test_a_short_run_does_not_judge_what_takes_a_while() -> None:
    assert _verdict("size", lambda at: 1000 * at, hours=0.1) == SHORT


def test_what_was_not_there_yet_was_nothing() -> None:
    samples: list[dict[tuple[str, str], float]] = [{("memory", "it"): 1}] * 50
    samples += [{("memory", "it"): 1, ("connections", "new"): 90}] * 50
    told = {one["name"]: one for one in judged(samples, HOURS, RATE)}
    assert (told["new"]["second_quarter"], told["new"]["verdict"]) == (0, GROWS)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="7 samples"):
        judged([{}] * 7, HOURS, RATE)


def test_the_table_ends_with_what_grows() -> None:
    samples: Any = [
        {("memory", "leaky"): at, ("memory", "sound"): 9 + at % 2, ("files", "still"): 3}
        for at in range(100)
    ]
    *_, sound, leaky, rest = table({"series": judged(samples, HOURS, RATE)}).splitlines()
    assert (sound.split()[2], leaky.split()[2]) == ("sound", "leaky")
    assert rest.startswith("and 1 that never changed")
