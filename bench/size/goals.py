"""What the figures should come to, and a table for people."""

from collections.abc import Mapping
from typing import Any

from bench.measuring.goal import Goal

CLAIM = Goal(1.1, 1.3)
LIST = Goal(1.2, 1.5)
AT_ONCE = Goal(1.0, 5.0)
POST = Goal(0.28, 0.2, at_least=True)
RELAY = Goal(0.95, 0.8, at_least=True)
COMMIT_P50, COMMIT_P99 = Goal(5, 10), Goal(15, 30)


def goal_of(question: str) -> Goal:
    """What takes part in publishing is held to the claim's, what people ask to the list's."""
    return CLAIM if question == "claim" else LIST


def line(name: str, small: Any, large: Any, figure: Any, goal: Goal | None) -> str:  # noqa: ANN401 - figures or words
    """One row of the table."""
    bounds = ("-", "-")
    if goal:
        bounds = (f"{goal.sign}{goal.goal}", f"{goal.sign}{goal.first_step}")
    verdict = goal.reached(float(figure["median"])) if goal else "-"
    shown = f"{figure['median']} ({figure['min']}-{figure['max']})"
    return f"{name:<34}{small:>11}{large:>11}{shown:>20}{bounds[0]:>8}{bounds[1]:>11}  {verdict}"


def table(result: Mapping[str, Any]) -> str:
    """For people."""
    heads = ("small ms", 11), ("large ms", 11), ("ratio (min-max)", 20), ("goal", 8)
    rows = [f"{'what':<34}{''.join(f'{head:>{width}}' for head, width in heads)} first step"]
    for name, one in result["questions"].items():
        small, large = (one[side]["median"] for side in ("small_ms", "large_ms"))
        rows.append(line(name, small, large, one["ratio"], goal_of(name)))
    for name, one in result["of_a_busy_user"].items():
        small, large = (one[side]["median"] for side in ("small_ms", "large_ms"))
        rows.append(line(f"busy user: {name}", small, large, one["ratio"], None))
    due = result["due_at_once"]["seconds"]
    rows.append(line("10,000 due at once, seconds", "-", due["median"], due, AT_ONCE))
    return "\n".join(rows)
