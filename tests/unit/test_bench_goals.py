"""The goal table: every row has a bench, and every bench keeps all of its rows."""

import json
from pathlib import Path

import pytest
from bench.measuring import goals
from bench.measuring.goal import Aim, Goal
from bench.measuring.result import FOLDER
from bench.measuring.table import lines

BENCHES = sorted({one.bench for one in goals.AIMS})
SPEED = Aim("uploads", "speed", goals.RATIO, Goal(1.0, 0.9, at_least=True))
MEMORY = Aim("uploads", "memory", "MiB", Goal(16, 64))


@pytest.mark.parametrize("bench", BENCHES)
def test_each_row_is_measured_by_a_bench_that_is_there(bench: str) -> None:
    assert Path(goals.__file__).parents[1].joinpath(f"{bench}.py").exists()


@pytest.mark.parametrize("bench", BENCHES)
def test_a_result_holds_all_the_rows_of_its_bench_and_no_others(bench: str) -> None:
    path = FOLDER / f"{bench}.json"
    if not path.exists():
        pytest.skip("not measured yet")
    result = json.loads(path.read_text())
    if result.get("skipped"):
        pytest.skip("some of the peers were not there")
    told = [one["what"] for one in goals.of(bench, result)]
    assert told == [one.what for one in goals.AIMS if one.bench == bench]


def test_a_ratio_is_the_middle_of_neighbouring_rounds() -> None:
    one = SPEED.against([90, 10, 500], [100, 10, 1000])
    assert one["figure"] == {"median": 0.9, "min": 0.5, "max": 1.0}
    assert one["ours"] == {"median": 90, "min": 10, "max": 500}
    assert one["reached"] == "first step"


@pytest.mark.parametrize(
    ("ours", "reached"), [(16, "goal"), (16.1, "first step"), (64, "first step"), (65, "missed")]
)
def test_some_bounds_are_of_our_own_figure(ours: float, reached: str) -> None:
    assert MEMORY.row([ours], other=[1])["reached"] == reached


def test_without_a_first_step_there_is_the_goal_or_nothing() -> None:
    assert [Goal(2).reached(one) for one in (2, 2.1)] == ["goal", "missed"]


def test_the_table_shows_both_sides_the_figure_and_the_bounds() -> None:
    rows = [SPEED.against([3], [2]), Aim("x", "alone", "s", Goal(2)).row([2.5])]
    assert [line.split() for line in lines(rows).splitlines()[1:]] == [
        ["speed", "3", "(3-3)", "2", "(2-2)", "1.5", "(1.5-1.5)", "≥", "1", "≥", "0.9", "goal"],
        ["alone", "-", "-", "2.5", "(2.5-2.5)", "s", "≤", "2", "-", "missed"],
    ]
