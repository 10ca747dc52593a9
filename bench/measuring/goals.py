"""The goal table of the project, in one place: every row is measured by some bench.

Each bench makes its rows with these and keeps them as `goals` in its result; bench.measuring.table
shows all of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.measuring.goal import Aim, Goal

RATIO = "x"


def _least(goal: float, first_step: float) -> Goal:
    return Goal(goal, first_step, at_least=True)


CELERY = Aim("publishing", "publications/s against Celery, calls at once", RATIO, _least(2.0, 1.0))
CELERY_20 = Aim(
    "publishing", "publications/s against Celery, calls of 20 ms", RATIO, _least(12.0, 6.0)
)
BARE = Aim(
    "publishing", "publications/s against a bare loop, calls at once", RATIO, _least(0.8, 0.5)
)
BULLMQ_20 = Aim(
    "publishing", "publications/s against BullMQ, calls of 20 ms", RATIO, _least(1.0, 0.5)
)
CELERY_CPU = Aim("publishing", "CPU per 1,000 publications against Celery", RATIO, Goal(0.65, 1.0))

POST = Aim("bus", "POST against the same without a database, per s", RATIO, _least(0.28, 0.2))
RELAY = Aim("bus", "relay against a bare publisher, events/s", RATIO, _least(0.95, 0.8))
COMMIT_P50 = Aim("bus", "commit to consumer, p50", "ms", Goal(5, 10))
COMMIT_P99 = Aim("bus", "commit to consumer, p99", "ms", Goal(15, 30))

FIRST_CALL_P50 = Aim("reacting", "accepted to first platform call, p50", "ms", Goal(15))
FIRST_CALL_P99 = Aim("reacting", "accepted to first platform call, p99", "ms", Goal(50, 150))

UPLOAD = Aim("uploads", "upload against curl, TLS, MB/s", RATIO, _least(1.0, 0.9))
UPLOAD_CPU = Aim("uploads", "CPU of an upload at 150 MB/s against curl, s/GB", RATIO, Goal(1, 1.4))
UPLOAD_MEMORY = Aim("uploads", "memory grown by an upload of 4 GB", "MiB", Goal(16, 64))
SERVING_MEMORY = Aim("uploads", "memory grown by serving a pull of 10 GB", "MiB", Goal(16, 64))
LAG = Aim("uploads", "event loop lag p99, four uploads", "ms", Goal(10, 25))

CLAIM = Aim("at_size", "claim, a million rows against a thousand, ms", RATIO, Goal(1.1, 1.3))
LIST = Aim("at_size", "slowest list page, a million against a thousand, ms", RATIO, Goal(1.2, 1.5))
DUE = Aim("at_size", "10,000 due at once, until all are called", "s", Goal(1, 5))

PACE_USED = Aim("pacing", "pace used of the pace allowed", RATIO, _least(0.98, 0.9))
PACE_OVER = Aim("pacing", "calls above rate·T + 1 in any window", "calls", Goal(0))

TRACING = Aim("tracing", "CPU a publication, traced against not, ms", RATIO, Goal(1.06, 1.15))

KILLED = Aim("takeover", "worker killed until taken over", "s", Goal(2))
FROZEN = Aim("takeover", "worker frozen until taken over (lease: 30 s)", "s", Goal(30, 40))

READY = Aim("starting", "a worker ready after its start", "s", Goal(1.5))

AIMS = tuple(one for one in vars().copy().values() if isinstance(one, Aim))


def of(name: str, result: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The rows in a bench's result."""
    return of_bus(result) if name == "bus" else result.get("goals", ())


def of_bus(result: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Its result names each figure itself."""
    post, relay, commit = result["post"], result["relay"], result["commit_to_consumer"]
    speed, told = post["per_second"], relay["per_second"]
    return (
        POST.row(post["ratio_without_database"], ours=speed["stored"], other=speed["redis"]),
        RELAY.row(relay["ratio"], ours=told["relay"], other=told["bare"]),
        COMMIT_P50.row(commit["p50_ms"]),
        COMMIT_P99.row(commit["p99_ms"]),
    )
