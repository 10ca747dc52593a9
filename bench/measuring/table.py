"""Rows of the goal table, for people."""

from collections.abc import Iterable, Mapping
from typing import Any

from bench.measuring import goals

HEADS = (
    ("what", 54),
    ("ours (min-max)", 24),
    ("other side (min-max)", 24),
    ("figure (min-max)", 26),
    ("goal", 8),
    ("first", 8),
    ("reached", 10),
)


def lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """A line for each."""
    told = ["".join(f"{name:<{width}}" for name, width in HEADS)]
    for one in rows:
        unit = "" if one["unit"] == goals.RATIO else f" {one['unit']}"
        first = "-" if one["first_step"] is None else f"{one['sign']} {one['first_step']:g}"
        values = (
            one["what"],
            _spread(one["ours"]),
            _spread(one["other"]),
            _spread(one["figure"]) + unit,
            f"{one['sign']} {one['goal']:g}",
            first,
            one["reached"],
        )
        pairs = zip(values, (width for _, width in HEADS), strict=True)
        told.append("".join(f"{value:<{width}}" for value, width in pairs).rstrip())
    return "\n".join(told)


def _spread(of: Mapping[str, float] | None) -> str:
    return f"{of['median']:g} ({of['min']:g}-{of['max']:g})" if of else "-"
