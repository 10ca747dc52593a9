"""What rounds of several sides come to: medians with spread, and our ratios against the goals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from bench.measuring import goals
from bench.measuring.goal import Aim
from bench.measuring.side import Round
from bench.measuring.spread import spread

What = Literal["per_second", "cpu_per_1000"]


@dataclass(frozen=True)
class Comparison:
    """Ours divided by a peer's, with calls that take `delay_ms`."""

    aim: Aim
    what: What
    peer: str
    delay_ms: int


COMPARISONS = (
    Comparison(goals.CELERY, "per_second", "celery", 0),
    Comparison(goals.CELERY_20, "per_second", "celery", 20),
    Comparison(goals.BARE, "per_second", "bare", 0),
    Comparison(goals.BULLMQ_20, "per_second", "bullmq", 20),
    Comparison(goals.CELERY_CPU, "cpu_per_1000", "celery", 0),
)


def summary(rounds: Sequence[Round], side: str, delay_ms: int) -> dict[str, Any]:
    """One side's rounds with calls that take so long."""
    mine = of(rounds, side, delay_ms)
    return {
        "side": side,
        "delay_ms": delay_ms,
        "rounds": len(mine),
        "per_second": spread([one.per_second for one in mine], 1),
        "cpu_per_1000": spread([one.cpu_per_1000 for one in mine]),
        "servers_cpu_per_1000": spread([one.servers_cpu_per_1000 for one in mine]),
        "stub_cpu_per_1000": spread([one.stub_cpu_per_1000 for one in mine]),
        "cores_used_by_others": spread([one.cpu["others"] / one.seconds for one in mine]),
    }


def of(rounds: Sequence[Round], side: str, delay_ms: int) -> list[Round]:
    """In the order in which they were run."""
    return [one for one in rounds if (one.side, one.delay_ms) == (side, delay_ms)]


def against(rounds: Sequence[Round], ours: str, one: Comparison) -> dict[str, Any] | None:
    """The ratio of the medians, and the worst and best of neighbouring rounds; None when the peer
    was not there."""
    mine, theirs = (of(rounds, side, one.delay_ms) for side in (ours, one.peer))
    if not mine or not theirs:
        return None
    values = [[getattr(each, one.what) for each in side] for side in (mine, theirs)]
    ratio = median(values[0]) / median(values[1])
    pairs = [first / other for first, other in zip(*values, strict=True)]
    figure = spread(pairs) | {"median": round(ratio, 2)}
    return one.aim.row(figure, ours=values[0], other=values[1])


HEADS = (("side", -12), ("ms/call", 8), ("jobs/s", 9), ("min", 8), ("max", 8), ("CPU s/1,000", 13))
MORE = (("servers'", 10), ("stub's", 8), ("others' cores", 15))
COSTS = ("cpu_per_1000", "servers_cpu_per_1000", "stub_cpu_per_1000", "cores_used_by_others")


def table(result: Mapping[str, Any]) -> str:
    """For people."""
    lines = [_line((*HEADS, *MORE), [name for name, _ in (*HEADS, *MORE)])]
    for one in result["summary"]:
        speed = one["per_second"]
        values = [one["side"], one["delay_ms"], *(speed[name] for name in ("median", "min", "max"))]
        values += [one[name]["median"] for name in COSTS]
        lines.append(_line((*HEADS, *MORE), values))
    return "\n".join(lines)


def _line(columns: Sequence[tuple[str, int]], values: Sequence[object]) -> str:
    """A negative width stands on the left."""
    pairs = zip(values, (width for _, width in columns), strict=True)
    return "".join(f"{value!s:{'<' if width < 0 else '>'}{abs(width)}}" for value, width in pairs)
