"""What rounds of two sides come to, and whether that is what was aimed at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.measuring.spread import spread


@dataclass(frozen=True)
class Aim:
    """A bound of the ratio, or of our own figure where `of` says so."""

    goal: float
    first_step: float
    at_least: bool = False
    of: str = "ratio"

    def reached(self, value: float) -> str:
        """`goal`, `first step` or `missed`."""
        for name, bound in (("goal", self.goal), ("first step", self.first_step)):
            if value >= bound if self.at_least else value <= bound:
                return name
        return "missed"


@dataclass(frozen=True)
class Figure:
    """One thing measured on both sides, in neighbouring rounds."""

    name: str
    unit: str
    against: str
    aim: Aim
    ours: Sequence[float]
    other: Sequence[float]

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
            "aim": {
                "of": self.aim.of,
                "is": "at least" if self.aim.at_least else "at most",
                "goal": self.aim.goal,
                "first_step": self.aim.first_step,
            },
            "reached": self.aim.reached((ratio if self.aim.of == "ratio" else ours)["median"]),
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
        sign = "≥" if one["aim"]["is"] == "at least" else "≤"
        values = (
            f"{one['figure']}, {one['unit']}",
            _spread(one["ours"]),
            one["against"],
            _spread(one["other"]),
            _spread(one["ratio"]),
            f"{sign} {one['aim']['goal']:g}",
            f"{sign} {one['aim']['first_step']:g}",
            one["reached"],
        )
        lines.append(
            "".join(f"{value:<{width}}" for value, (_, width) in zip(values, HEADS, strict=True))
        )
    return "\n".join(lines)


def _spread(of: Mapping[str, float]) -> str:
    return f"{of['median']:g} ({of['min']:g}-{of['max']:g})"
