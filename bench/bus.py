"""How fast publications are accepted and told: POST, the relay, and from a commit to the consumer.

    make bench ONLY=bus

POST with one target: publisher's gateway as it is, the same without PostgreSQL, and the same with
nothing outside of the process, each a process of its own, asked by turns by 16 connections; the
database holds what the run itself accepted. Without `Idempotency-Key`. The relay, with the outbox's
leases, marks and traces, against the bare client library with 100 confirmations outstanding, which
has its messages in memory. A commit's way to the consumer is that of the running system, but relay
and consumer are in one process here.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

import publisher
from bench.measuring import machine
from bench.measuring.result import keep
from bench.size import sides
from bench.size.goals import COMMIT_P50, COMMIT_P99, POST, RELAY, line
from bench.traffic import posting, relaying
from bench.traffic.gateway import ALONE, REDIS, STORED
from servers import Servers

TREE = Path(__file__).parents[1]
NAME = "bench-bus"


def main() -> int:
    """The command."""
    began, facts, servers = time.monotonic(), machine.facts(), Servers()
    servers.up()
    migrations = Path(str(publisher.__file__)).parent / "db/migrations"
    url, owner = sides.made(servers, "publisher", migrations, "bus")
    servers.rabbitmq.delete_vhost(NAME)
    bus_url = servers.rabbitmq.create_vhost(NAME)
    redis_url = servers.addresses.redis.url(servers.redis.allocate_db(NAME))
    clip = (TREE / "deploy/local/clip.mp4").read_bytes()
    result: dict[str, Any] = {"machine": facts}
    try:
        with tempfile.TemporaryDirectory() as folder:
            values = posting.settings(url, redis_url, Path(folder))
            result["post"] = posting.posts_a_second(values, owner, clip)
        _none_waits(servers, url)
        result["relay"] = uvloop.run(relaying.relayed(url, bus_url))
        result["commit_to_consumer"] = uvloop.run(relaying.commit_to_consumer(url, bus_url))
    finally:
        servers.redis.release_db(NAME)
        servers.rabbitmq.delete_vhost(NAME)
        sides.dropped(servers, "publisher", "bus")
    result["seconds"] = round(time.monotonic() - began)
    keep("bus", result, _table(result))
    return 0


def _none_waits(servers: Servers, url: str) -> None:
    """What was accepted is not what the relay is measured with."""
    servers.postgres.sql("TRUNCATE outbox", database=url.rpartition("/")[2])


def _table(result: dict[str, Any]) -> str:
    post, relay, commit = result["post"], result["relay"], result["commit_to_consumer"]
    per_second = {name: one["median"] for name, one in post["per_second"].items()}
    told = {name: one["median"] for name, one in relay["per_second"].items()}
    stored = per_second[STORED]
    without, alone = post["ratio_without_database"], post["ratio_alone"]
    return "\n".join(
        (
            line("POST, without PostgreSQL, per s", stored, per_second[REDIS], without, POST),
            line("POST, nothing outside, per s", stored, per_second[ALONE], alone, None),
            line(
                "relay, bare publisher, per s", told["relay"], told["bare"], relay["ratio"], RELAY
            ),
            line("commit to consumer, p50 ms", "-", "-", commit["p50_ms"], COMMIT_P50),
            line("commit to consumer, p99 ms", "-", "-", commit["p99_ms"], COMMIT_P99),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
