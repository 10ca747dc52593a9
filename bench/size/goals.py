"""What the questions come to, and a table for people."""

from collections.abc import Mapping
from typing import Any

from bench.measuring import goals
from bench.measuring.goal import Goal

POST, RELAY = goals.POST.goal, goals.RELAY.goal
COMMIT_P50, COMMIT_P99 = goals.COMMIT_P50.goal, goals.COMMIT_P99.goal
LISTS = "list "


def goal_of(question: str) -> Goal:
    """What takes part in publishing is held to the claim's, what people ask to the list's."""
    return goals.CLAIM.goal if question == "claim" else goals.LIST.goal


def rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of the goal table. Of the list's pages it is the slowest, against what it was."""
    asked = result["questions"]
    claim = asked["claim"]
    pages = [one for name, one in asked.items() if name.startswith(LISTS)]
    page = max(pages, key=lambda one: float(one["ratio"]["median"]))
    return [
        goals.CLAIM.row(claim["ratio"], ours=claim["large_ms"], other=claim["small_ms"]),
        goals.LIST.row(page["ratio"], ours=page["large_ms"], other=page["small_ms"]),
        goals.DUE.row(result["due_at_once"]["seconds"]),
    ]


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
    told = [f"{'what':<34}{''.join(f'{head:>{width}}' for head, width in heads)} first step"]
    for name, one in result["questions"].items():
        small, large = (one[side]["median"] for side in ("small_ms", "large_ms"))
        told.append(line(name, small, large, one["ratio"], goal_of(name)))
    for name, one in result["of_a_busy_user"].items():
        small, large = (one[side]["median"] for side in ("small_ms", "large_ms"))
        told.append(line(f"busy user: {name}", small, large, one["ratio"], None))
    return "\n".join(told)
