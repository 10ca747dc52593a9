"""The arithmetic of the bench: what it tells comes from what happened."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from bench.measuring.machine import busy_seconds, cpu_seconds
from bench.measuring.scaling import Round, summary, table

PATIENCE = 60.0
SPIN = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"


@pytest.fixture
def parent() -> Iterator[int]:
    """A process that waits for its child, which is busy."""
    with subprocess.Popen([sys.executable, "-c", SPIN], start_new_session=True) as running:
        yield running.pid
        os.killpg(running.pid, 9)


def test_the_work_of_children_counts(parent: int) -> None:
    deadline, all_before = time.monotonic() + PATIENCE, busy_seconds()
    while cpu_seconds({"it": [parent]})["it"] < 0.5:
        assert time.monotonic() < deadline
    assert busy_seconds() - all_before >= 0.3, "the machine did that work, but for what came before"


def test_nobody_uses_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert cpu_seconds({"it": [gone.pid], "none": []}) == {"it": 0, "none": 0}


def _round(processes: int, seconds: float, publications: int) -> Round:
    cpu = {"workers": 2.0, "postgres": 1.0, "others": 4.0}
    return Round(processes, publications, seconds, {"p50": 0.8, "p95": 1.0, "max": 2.0}, cpu)


def test_more_processes_are_held_against_one_by_the_middle_of_their_rounds() -> None:
    rounds = [_round(1, 10, 20), _round(1, 100, 20), _round(1, 8, 20)]
    rounds += [_round(4, 10, 60), _round(4, 10, 70), _round(4, 10, 10)]
    told = summary(rounds, 4, ideal=2.5)
    assert told["per_second"] == {"median": 6, "min": 1, "max": 7}
    assert (told["times_one"], told["of_ideal"], told["rounds"]) == (3, 0.6, 3)
    assert told["cores_used"]["median"] == 0.3, "without the others"
    assert told["cores_used_by_others"]["median"] == 0.4
    assert told["cpu_ms_a_publication"]["median"] == 50


def test_the_table_shows_how_often_a_pace_was_broken() -> None:
    one = {"pace_used": 0.98, "over_pace": ["dzen: 99 calls in 10 s"]}
    result = {
        "summary": [summary([_round(1, 10, 20)], 1, ideal=2.5)],
        "paced": {"by_processes": {"1": one}},
    }
    heads, line = table(result).splitlines()
    assert heads.split()[-2:] == ["too", "fast"]
    assert line.split()[-2:] == ["0.98", "1"]
