"""What a figure should come to, and what would do for a start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.measuring.spread import spread

Spread = Mapping[str, float]
"""`median`, `min` and `max`."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Two bounds of a figure, most often of a ratio."""

    goal: float
    first_step: float | None = None
    """None: nothing less than the goal will do."""
    at_least: bool = False

    def reached(self, figure: float) -> str:
        """`goal`, `first step` or `missed`."""
        for bound, word in ((self.goal, "goal"), (self.first_step, "first step")):
            if bound is not None and (figure >= bound if self.at_least else figure <= bound):
                return word
        return "missed"

    @property
    def sign(self) -> str:
        """How the figure stands to the bounds."""
        return "≥" if self.at_least else "≤"


@dataclass(frozen=True, slots=True)
class Aim:
    """One row of the goal table: what is measured by which bench, and what it should come to."""

    bench: str
    what: str
    unit: str
    """Of the figure that is held against the goal; `x` is a ratio."""
    goal: Goal

    def row(
        self,
        figure: Spread | Sequence[float],
        *,
        ours: Spread | Sequence[float] | None = None,
        other: Spread | Sequence[float] | None = None,
    ) -> dict[str, Any]:
        """What came out, as JSON values: one of `goals` in the bench's result. `ours` and `other`
        are what a ratio was made of. Rounds, or what bench.measuring.spread made of them."""
        told = _spread(figure)
        return {
            "what": self.what,
            "unit": self.unit,
            "ours": ours and _spread(ours),
            "other": other and _spread(other),
            "figure": told,
            "sign": self.goal.sign,
            "goal": self.goal.goal,
            "first_step": self.goal.first_step,
            "reached": self.goal.reached(told["median"]),
        }

    def against(self, ours: Sequence[float], other: Sequence[float]) -> dict[str, Any]:
        """The same of a ratio, made of neighbours: what disturbed one disturbed both."""
        pairs = zip(ours, other, strict=True)
        return self.row([one / two if two else 0.0 for one, two in pairs], ours=ours, other=other)


def _spread(rounds: Spread | Sequence[float]) -> Spread:
    return rounds if isinstance(rounds, Mapping) else spread(rounds)
