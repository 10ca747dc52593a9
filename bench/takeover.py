"""make bench ONLY=takeover: how long a publication waits whose worker was killed, or froze.

Two systems of two workers each, with the lease and the quarantine that the product has by default.
While each worker has publications in hand and waits for the platform, one worker of the first is
killed and one of the second is stopped as if its machine hung. The time runs until another worker
has claimed the same publication. All of them are in a step that was begun: what is claimed then may
have been sent, and so waits for the quarantine as well.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg

from bench.measuring import goals, machine
from bench.measuring.clipcast_side import Clipcast, running
from bench.measuring.published import NotMeasured
from bench.measuring.result import keep, tell
from bench.measuring.spread import spread
from bench.measuring.stub import Stub, stub_platform
from localrun.environment import TREE
from publisher.settings import PublisherSettings
from servers import Servers

HOME = TREE / ".local/takeover"
PUBLICATIONS = 20
SLOTS = 10
CALL_MS = 8_000
"""Longer than it takes to see that all are in hand."""
PATIENCE = 180.0
LOOK_SECONDS = 0.1
IN_HAND = "SELECT count(*) FROM publications WHERE lease_until > now() AND step_state = 'started'"
TAKEN_OVER = """
SELECT claims[2] FROM (
    SELECT array_agg(at ORDER BY id) AS claims FROM timeline WHERE kind = 'claimed'
    GROUP BY publication_id) AS each
WHERE cardinality(claims) > 1
"""


def run(stub: Stub) -> dict[str, Any]:
    """Both at the same time: what they do is wait."""
    servers = Servers()
    settings = {"SLOTS": str(SLOTS)}
    killed, frozen = (
        Clipcast(HOME / name, servers, stub.url, name=name, settings=settings)
        for name in ("killed", "frozen")
    )
    with running(killed, frozen, jobs=PUBLICATIONS):
        stub.delay(CALL_MS)
        for side in (killed, frozen):
            side.put(PUBLICATIONS)
        for side in (killed, frozen):
            _wait(lambda side=side: _read(side, IN_HAND)[0][0] == PUBLICATIONS)
        at = datetime.now(UTC)
        killed.processes[-1].kill()
        frozen.processes[-1].freeze()
        stub.delay(0)
        for side in (killed, frozen):
            _wait(lambda side=side: side.ended()[0] == PUBLICATIONS)
        found = {
            side.name: [(row[0] - at).total_seconds() for row in _read(side, TAKEN_OVER)]
            for side in (killed, frozen)
        }
    for name, seconds in found.items():
        if not seconds:
            raise NotMeasured(f"{name}: nobody had to take over anything")
        tell(f"{name}: {len(seconds)} publications taken over after {spread(seconds)} s")
    fields = PublisherSettings.model_fields
    return {
        "goals": [goals.KILLED.row(found["killed"]), goals.FROZEN.row(found["frozen"])],
        "lease_seconds": fields["lease"].default.total_seconds(),
        "quarantine_seconds": fields["quarantine"].default.total_seconds(),
        "of_each": {name: sorted(round(one, 2) for one in of) for name, of in found.items()},
    }


def _wait(done: Any) -> None:  # noqa: ANN401 - a question without arguments
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise NotMeasured("not taken over in time")
        time.sleep(LOOK_SECONDS)


def _read(side: Clipcast, statement: str) -> list[Any]:
    async def ask() -> list[Any]:
        link = await asyncpg.connect(side.database_url)
        try:
            return await link.fetch(statement)
        finally:
            await link.close()

    return asyncio.run(ask())


def main() -> int:
    """The command."""
    began, facts = time.monotonic(), machine.facts()
    Servers().up()
    with stub_platform(HOME) as stub:
        result = run(stub)
    keep("takeover", {"machine": facts, **result, "seconds": round(time.monotonic() - began)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
