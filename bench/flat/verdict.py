"""Whether a series of samples is flat, or grows though it should not.

The first quarter is the warm-up: pools fill, caches fill, and what is forgotten after a while has
not been forgotten for the first time. Then the median of the second quarter is held against that of
the last: a median does not see the peak of a moment. What is between them may be noise; how much,
each kind says with its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression, median
from typing import Any

Key = tuple[str, str]
FLAT, GROWS, SHORT = "flat", "grows", "too short to say"
POINTS = 24
"""Of each series so many are kept."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How much more may be noise: the largest of these three."""

    unit: str
    most: float = 0.0
    """So much, whatever there is."""
    part: float = 0.0
    """This part of what there is."""
    seconds: float = 0.0
    """What arrives in so many seconds."""
    minutes: float = 0.0
    """A shorter run says nothing."""

    def allowed(self, level: float, rate: float) -> float:
        """Of something that stood at `level`."""
        return max(self.most, self.part * level, self.seconds * rate)


KINDS = {
    # Allocators keep what a peak needed; one KiB a publication is 17 MiB in half an hour.
    "memory": Kind("MiB", most=4, part=0.05),
    # Erlang collects garbage when it likes, and quorum queues keep a log in memory until they cut
    # it off after some thousand messages.
    "server": Kind("MiB", most=48, part=0.3),
    # A pool opens connections at a peak and keeps them, up to its size.
    "files": Kind("", most=8, part=0.1),
    "connections": Kind("", most=8, part=0.1),
    # asyncio's pool starts a thread for each file that is read while another one is.
    "threads": Kind("", most=4),
    # Turns of the pace live for a second, windows of requests for a minute.
    "cache": Kind("", most=1, part=0.2),
    # What came in the last moments is still on its way.
    "waiting": Kind("", most=5, seconds=2),
    "late": Kind("s", most=0.5),
    # Housekeeping comes at intervals, so that between two of them this swings by a half; what is
    # never forgotten more than doubles.
    "rows": Kind("", most=50, part=0.5),
    # Room is used again only once autovacuum has been there, which looks once a minute, and a fifth
    # of a table may be dead before it comes.
    "size": Kind("KiB", most=512, part=0.3, minutes=10),
    "a publication": Kind("bytes", part=0.15, most=16, minutes=10),
    # Counts of what must not happen at all.
    "never": Kind(""),
}


@dataclass(frozen=True, slots=True)
class Series:
    """One thing's samples, from the beginning of the run to its end."""

    kind: str
    name: str
    values: Sequence[float]
    hours: float
    """The whole run."""
    rate: float
    """Arrivals a second."""

    def told(self) -> dict[str, Any]:
        """As JSON values, with the verdict."""
        second, last = median(self._part(1)), median(self._part(3))
        allowed = KINDS[self.kind].allowed(second, self.rate)
        step = max(1, len(self.values) // POINTS)
        return {
            "kind": self.kind,
            "name": self.name,
            "unit": KINDS[self.kind].unit,
            "second_quarter": round(second, 1),
            "last_quarter": round(last, 1),
            "per_hour": round(self._per_hour(), 1),
            "allowed": round(allowed, 1),
            "verdict": self._verdict(last - second, allowed),
            "changes": min(self.values) != max(self.values),
            "points": [round(one, 2) for one in self.values[::step]],
        }

    def _verdict(self, more: float, allowed: float) -> str:
        if self.kind == "never":
            return GROWS if any(self.values) else FLAT
        if 60 * self.hours < KINDS[self.kind].minutes:
            return SHORT
        return GROWS if more > allowed else FLAT

    def _part(self, quarter: int) -> Sequence[float]:
        size = len(self.values) // 4
        return self.values[quarter * size : (quarter + 1) * size]

    def _per_hour(self) -> float:
        """The slope of all that came after the warm-up."""
        kept = self.values[len(self.values) // 4 :]
        every = self.hours / len(self.values)
        return linear_regression([every * at for at in range(len(kept))], kept).slope


def judged(
    samples: Sequence[Mapping[Key, float]], hours: float, rate: float
) -> list[dict[str, Any]]:
    """Every series but the arrivals themselves. Raises ValueError when there are too few samples.

    What was not there yet at a sample was nothing: a connection that has not been opened."""
    if len(samples) < 8:
        raise ValueError(f"{len(samples)} samples are no series")
    keys = dict.fromkeys(key for one in samples for key in one)
    return [
        Series(kind, name, [one.get((kind, name), 0.0) for one in samples], hours, rate).told()
        for kind, name in keys
        if kind in KINDS
    ]


HEADS = (("kind", -22), ("what", -52), ("2nd quarter", 13), ("last", 11), ("an hour", 11))
MORE = (("allowed", 10), ("", 2), ("verdict", -16))


def table(result: Mapping[str, Any]) -> str:
    """For people: whatever moved, what grows last."""
    series = [one for one in result["series"] if one["changes"] or one["verdict"] == GROWS]
    moved = [one for one in series if one["verdict"] != SHORT]
    still, short = len(result["series"]) - len(series), len(series) - len(moved)
    lines = [_line([name for name, _ in (*HEADS, *MORE)])]
    for one in sorted(moved, key=lambda one: one["verdict"] == GROWS):
        unit = f", {one['unit']}" if one["unit"] else ""
        figures = [one[name] for name in ("second_quarter", "last_quarter", "per_hour", "allowed")]
        lines.append(_line([one["kind"] + unit, one["name"], *figures, "", one["verdict"]]))
    lines.append(f"and {still} that never changed, {short} that take a longer run to judge")
    return "\n".join(lines)


def _line(values: Sequence[object]) -> str:
    """A negative width stands on the left."""
    pairs = zip(values, (width for _, width in (*HEADS, *MORE)), strict=True)
    return "".join(f"{value!s:{'<' if width < 0 else '>'}{abs(width)}}" for value, width in pairs)
