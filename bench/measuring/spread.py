"""Rounds of one measurement in one line: the middle, and how far the others were from it."""

from collections.abc import Sequence
from statistics import median, quantiles


def spread(values: Sequence[float], digits: int = 2) -> dict[str, float]:
    """The median with the smallest and the largest."""
    return {
        "median": round(median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """The middle, the 95th of a hundred, and the worst."""
    cuts = quantiles(values, n=20, method="inclusive")
    return {"p50": round(cuts[9], 3), "p95": round(cuts[18], 3), "max": round(max(values), 3)}
