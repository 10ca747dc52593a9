"""How many publications of one account are still no abuse."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Burst:
    """At most so many are taken in hand for the first time within so long."""

    most: int
    within: timedelta
