"""What rounds of two sides come to, and whether that is what was aimed at."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.measuring.goal import Goal
from bench.measuring.spread import spread


@dataclass(frozen=True)
class Figure:
    """One thing measured on both sides, in neighbouring rounds."""

    name: str
    unit: str
    against: str
    goal: Goal
    ours: Sequence[float]
    other: Sequence[float]
    of_ratio: bool = True
    """Whether the goal is one of the ratio; else of our own figure."""

    def told(self) -> dict[str, Any]:
        """As JSON values. The ratio is that of neighbours: what disturbed one disturbed both."""
        pairs = zip(self.ours, self.other, strict=True)
        ratio = spread([ours / other if other else 0.0 for ours, other in pairs])
        ours = spread(self.ours)
        return {
            "figure": self.name,
            "unit": self.unit,
            "ours": ours,
            "against": self.against,
            "other": spread(self.other),
            "ratio": ratio,
            "goal_is_of": "the ratio" if self.of_ratio else "ours",
            "goal": asdict(self.goal),
            "reached": self.goal.reached((ratio if self.of_ratio else ours)["median"]),
        }


HEADS = (
    ("figure", 44),
    ("ours (min-max)", 24),
    ("against", 12),
    ("theirs (min-max)", 24),
    ("ratio (min-max)", 20),
    ("goal", 8),
    ("first", 8),
    ("reached", 10),
)


def table(figures: Sequence[Mapping[str, Any]]) -> str:
    """For people."""
    lines = ["".join(f"{name:<{width}}" for name, width in HEADS)]
    for one in figures:
        goal = Goal(**one["goal"])
        values = (
            f"{one['figure']}, {one['unit']}",
            _spread(one["ours"]),
            one["against"],
            _spread(one["other"]),
            _spread(one["ratio"]),
            f"{goal.sign} {goal.goal:g}",
            f"{goal.sign} {goal.first_step:g}",
            one["reached"],
        )
        lines.append(
            "".join(f"{value:<{width}}" for value, (_, width) in zip(values, HEADS, strict=True))
        )
    return "\n".join(lines)


def _spread(of: Mapping[str, float]) -> str:
    return f"{of['median']:g} ({of['min']:g}-{of['max']:g})"
