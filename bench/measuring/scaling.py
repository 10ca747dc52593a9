"""What rounds with one, two, four and more processes come to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from bench.measuring.spread import spread


@dataclass(frozen=True)
class Round:
    """One count of processes, once."""

    processes: int
    publications: int
    seconds: float
    """From the first claim to the last post."""
    in_hand: Mapping[str, float]
    """Seconds from a publication's claim to its end: percentiles."""
    cpu: Mapping[str, float]
    """CPU seconds by whom; `others` are programs that are none of ours."""

    @property
    def per_second(self) -> float:
        return self.publications / self.seconds

    @property
    def ours(self) -> float:
        """CPU seconds of all processes of the system and its servers."""
        return sum(self.cpu.values()) - self.cpu["others"]

    def told(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "processes": self.processes,
            "publications": self.publications,
            "seconds": round(self.seconds, 2),
            "per_second": round(self.per_second, 2),
            "in_hand_seconds": dict(self.in_hand),
            "cpu_seconds": {who: round(used, 2) for who, used in self.cpu.items()},
        }


def summary(rounds: Sequence[Round], count: int, ideal: float) -> dict[str, Any]:
    """The rounds with so many processes against those with one, and against `ideal`, what each
    could do a second if it only had to wait."""
    of = partial(_of, rounds, count)
    one = median(each.per_second for each in rounds if each.processes == 1)
    cores = of(lambda each: each.ours / each.seconds)
    return {
        "processes": count,
        "rounds": len(of(lambda each: each.seconds)),
        "per_second": spread(of(lambda each: each.per_second)),
        "times_one": round(median(of(lambda each: each.per_second)) / one, 2),
        "of_ideal": round(median(of(lambda each: each.per_second)) / (ideal * count), 2),
        "in_hand_p50_seconds": spread(of(lambda each: each.in_hand["p50"])),
        "in_hand_p95_seconds": spread(of(lambda each: each.in_hand["p95"])),
        "cores_used": spread(cores),
        "cores_used_by_others": spread(of(lambda each: each.cpu["others"] / each.seconds)),
        "cpu_ms_a_publication": spread(of(lambda each: 1000 * each.ours / each.publications), 0),
        "worker_cpu_ms_a_publication": spread(
            of(lambda each: 1000 * each.cpu["workers"] / each.publications), 0
        ),
    }


def _of(rounds: Sequence[Round], count: int, what: Callable[[Round], float]) -> list[float]:
    return [what(one) for one in rounds if one.processes == count]


HEADS = (
    ("processes", 9),
    ("published/s", 12),
    ("min", 6),
    ("max", 6),
    ("x one", 6),
    ("of ideal", 9),
    ("in hand p50", 12),
    ("p95 s", 6),
    ("CPU ms each", 12),
    ("cores used", 11),
    ("by others", 10),
    ("pace used", 10),
    ("too fast", 9),
)


def table(result: Mapping[str, Any]) -> str:
    """For people."""
    lines = ["".join(f"{name:>{width}}" for name, width in HEADS)]
    for one in result["summary"]:
        speed, paced = one["per_second"], result["paced"]["by_processes"][str(one["processes"])]
        values = (
            one["processes"],
            *(speed[name] for name in ("median", "min", "max")),
            one["times_one"],
            one["of_ideal"],
            one["in_hand_p50_seconds"]["median"],
            one["in_hand_p95_seconds"]["median"],
            one["cpu_ms_a_publication"]["median"],
            one["cores_used"]["median"],
            one["cores_used_by_others"]["median"],
            paced["pace_used"],
            len(paced["over_pace"]),
        )
        lines.append(
            "".join(f"{value:>{width}}" for value, (_, width) in zip(values, HEADS, strict=True))
        )
    return "\n".join(lines)
