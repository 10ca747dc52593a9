"""What a figure should come to, and what would do for a start (the goal table of the project)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """Two bounds of a figure, most often of a ratio."""

    goal: float
    first_step: float
    at_least: bool = False

    def reached(self, figure: float) -> str:
        """`goal`, `first step` or `missed`."""
        for bound, word in ((self.goal, "goal"), (self.first_step, "first step")):
            if figure >= bound if self.at_least else figure <= bound:
                return word
        return "missed"

    @property
    def sign(self) -> str:
        """How the figure stands to the bounds."""
        return "≥" if self.at_least else "≤"
