"""What a run came to: .local/chaos.json, and a page for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos import checker
from chaos.history import History
from common.failpoint import POINTS


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that is told about a run."""

    seed: int
    wanted: int
    seconds: float
    history: History
    faults: Mapping[str, int]
    fired: Mapping[str, Mapping[str, int]]
    """Failpoint → action → how often."""
    never: Sequence[str]
    """Failpoints that should have been passed and were not."""
    said: Mapping[str, int]
    dead: Mapping[str, int]
    rolling: int
    """Rolling restarts of every process, of those that were `planned`."""
    planned: int
    replaced: Mapping[str, int]
    """How the processes that were replaced in them ended."""


def never_fired(fired: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Points that nobody passed, and those of the engine at which nobody froze."""
    missing = [point for point in POINTS if not fired.get(point, {}).get("kill9")]
    engine = [point for point in POINTS if point.startswith("publisher.")]
    return missing + [f"{one} (stop)" for one in engine if not fired.get(one, {}).get("stop")]


def told(run: Run) -> dict[str, Any]:
    """The report as JSON values."""
    history = run.history
    found = checker.violations(history)
    return {
        "seed": run.seed,
        "publications": len(history.accepted),
        "faults": sum(run.faults.values()),
        "faults_by_kind": dict(sorted(run.faults.items())),
        "rolling": run.rolling,
        "rolling_planned": run.planned,
        "replaced": dict(sorted(run.replaced.items())),
        "failpoints": {point: dict(run.fired.get(point, {})) for point in POINTS},
        "never_fired": list(run.never),
        **checker.counted(found),
        "uncertain": checker.uncertain(history),
        "by_status": checker.by_status(history),
        "recovery_seconds": checker.summary(checker.recovery_seconds(history)),
        "seconds": round(run.seconds),
        "wanted": run.wanted,
        "dead_letters": {queue: count for queue, count in run.dead.items() if count},
        "said": dict(sorted(run.said.items())),
        "violations": [
            {"promise": one.promise, "about": one.about, "what": one.what} for one in found
        ],
    }


def problems(report: Mapping[str, Any]) -> list[str]:
    """Why the run is not good; empty when it is."""
    found = [f"{name}: {report[name]}" for name in checker.PROMISES if report[name]]
    if report["publications"] < report["wanted"]:
        found.append(f"only {report['publications']} of {report['wanted']} were accepted")
    if report["rolling"] < report["rolling_planned"]:
        found.append(f"only {report['rolling']} of {report['rolling_planned']} rolling restarts")
    if report["never_fired"]:
        found.append(f"never fired: {', '.join(report['never_fired'])}")
    return found


def write(report: Mapping[str, Any], path: Path) -> None:
    """Replace the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2, default=str) + "\n")


def page(report: Mapping[str, Any]) -> str:
    """For people."""
    recovery, width = report["recovery_seconds"], 34
    lines = [
        f"seed {report['seed']}, {report['seconds']} s",
        f"{report['publications']} publications: {_sums(report['by_status'])}",
        f"{report['faults']} faults:",
        *(f"  {kind:<{width}} {count}" for kind, count in report["faults_by_kind"].items()),
        f"{report['rolling']} rolling restarts: {_sums(report['replaced']) or 0}",
        f"recovery of what a dead worker held: p50 {recovery['p50']} s, max {recovery['max']} s",
        f"uncertain: {_sums(report['uncertain']) or 0}",
        f"dead letters: {_sums(report['dead_letters']) or 0}",
        *(f"  {name:<{width}} {report[name]}" for name in checker.PROMISES),
        *(
            f"    {one['promise']} {one['about']}: {one['what']}"
            for one in report["violations"][:40]
        ),
    ]
    return "\n".join(lines)


def _sums(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
