"""make flame OUT=docs/flame.svg: where a publishing worker spends its time, as a flame graph.

One worker of bench.publishing's own side is looked at from outside, a hundred times a second,
while it works off a backlog and the platform answers at once. Only moments in which it computes
are counted, so that the picture shows what its CPU goes into; a frame is a function, and as wide
as its share.
"""

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.measuring import peers_installed
from bench.measuring.clipcast_side import Clipcast, running
from bench.measuring.published import NotMeasured
from bench.measuring.result import tell
from bench.measuring.stub import stub_platform
from localrun.environment import TREE
from servers import Servers

HOME = TREE / ".local/flame"
LOCK = TREE / "bench/flame.lock"
WARM_UP, JOBS = 200, 3000
SECONDS, PER_SECOND = 10, 100
PATIENCE = 120.0
NARROWEST = 0.5
"""Per cent; narrower frames can't be read, and are most of the file."""
FRAME = re.compile(
    r'<g><title>[^<]*</title><rect [^>]*width="([\d.]+)%"[^>]*/>(?:<text.*?</text>)?</g>'
)
HEAD = re.compile(r'(id="title"[^>]*>)[^<]*<')
TITLE = "A publishing worker: what its CPU goes into"


def drawn(side: Clipcast, out: Path) -> None:
    """The last of its workers, while all have to do."""
    _published(side, WARM_UP)
    side.put(JOBS)
    words = (
        str(HOME / "venv/bin/py-spy"), "record", "--pid", str(side.processes[-1].pid),
        "--output", str(out), "--duration", str(SECONDS), "--rate", str(PER_SECOND),
        "--function", "--gil",
    )  # fmt: skip
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603 - words of ours
    out.write_text(lean(out.read_text()))
    done, _ = side.ended()
    if done == JOBS:
        raise NotMeasured("there was not enough to do")
    _wait(side, JOBS)


def lean(svg: str) -> str:
    """Without the frames that are too narrow to be read, and with a title of ours: py-spy's is its
    command line, with the folders of this machine."""
    kept = FRAME.sub(lambda one: "" if float(one[1]) < NARROWEST else one[0], svg)
    return HEAD.sub(rf"\g<1>{TITLE}<", kept, count=1)


def _published(side: Clipcast, jobs: int) -> None:
    side.put(jobs)
    _wait(side, jobs)


def _wait(side: Clipcast, jobs: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while side.ended()[0] < jobs:
        if time.monotonic() > deadline:
            raise NotMeasured(f"{side.ended()[0]} of {jobs} were published in time")
        time.sleep(0.2)


def main(words: Sequence[str]) -> int:
    """The command."""
    out, servers = TREE / words[0], Servers()
    peers_installed.environment(HOME / "venv", LOCK)
    servers.up()
    with stub_platform(HOME) as stub:
        side = Clipcast(HOME / "clipcast", servers, stub.url, name="flame")
        with running(side, jobs=JOBS):
            drawn(side, out)
    tell(f"{out.stat().st_size / 1024:.0f} KiB; written to {out.relative_to(TREE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
