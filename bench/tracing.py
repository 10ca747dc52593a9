"""make bench ONLY=tracing: what OpenTelemetry costs: CPU of a publication with tracing on, against
the same with tracing off.

Two systems like that of bench.publishing, which differ in nothing else, take turns. Traces are
sampled as the deployments in this repository do it, which is all of them, and sent to a collector
in this process, whose own CPU does not count.
"""

import sys
import time
from typing import Any

from bench.measuring import goals, machine
from bench.measuring.clipcast_side import Clipcast, running
from bench.measuring.published import NotMeasured
from bench.measuring.result import keep, tell
from bench.measuring.side import Round, measured
from bench.measuring.stub import Stub, stub_platform
from localrun.environment import TREE
from servers import Servers
from support.otlp import Collector

HOME = TREE / ".local/tracing"
ROUNDS = 4
JOBS, WARM_UP = 200, 100
SAMPLER = "parentbased_always_on"


def run(stub: Stub, collector: Collector) -> dict[str, Any]:
    """A B A B."""
    servers = Servers()
    traced = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_TRACES_SAMPLER": SAMPLER,
    }
    on = Clipcast(HOME / "on", servers, stub.url, name="traced", settings=traced)
    off = Clipcast(HOME / "off", servers, stub.url, name="untraced")
    rounds: list[Round] = []
    with running(on, off, jobs=JOBS):
        for side in (on, off):
            measured(side, stub, servers, WARM_UP, 0)
        for side in [on, off] * ROUNDS:
            rounds.append(measured(side, stub, servers, JOBS, 0))
            told = rounds[-1]
            tell(f"{side.name:<9} {told.cpu_per_1000:5.2f} ms, {told.per_second:5.1f} a second")
    spans = len(collector.spans()) / (WARM_UP + ROUNDS * JOBS)
    if spans < 1:
        raise NotMeasured("the collector got no spans")
    each = {side.name: [one for one in rounds if one.side == side.name] for side in (on, off)}
    cpu = {name: [one.cpu_per_1000 for one in found] for name, found in each.items()}
    return {
        "goals": [goals.TRACING.against(cpu[on.name], cpu[off.name])],
        "sampler": SAMPLER,
        "spans_a_publication": round(spans, 1),
        "rounds": [one.told() for one in rounds],
    }


def main() -> int:
    """The command."""
    began, facts, collector = time.monotonic(), machine.facts(), Collector()
    Servers().up()
    with stub_platform(HOME) as stub, collector.listening():
        result = run(stub, collector)
    keep("tracing", {"machine": facts, **result, "seconds": round(time.monotonic() - began)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
