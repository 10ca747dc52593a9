"""Whatever is logged is one line that a machine can read (L1)."""

import json
import subprocess
import sys

import pytest

HOSTILE = (
    "a\nb",
    'a\r\n{"event": "forged"}',
    "\x1b[2J\x1b[31mred\x07",
    "left\u2028right\u2029end",
    "\x85next\x0bdown\x0c",
    "\u202etxt.exe",
    "\x00",
    "\ud800",
    "x" * 1_000_000,
)
PROGRAM = """
import json, logging, sys
from common.observe import logs
logs.configure("service", "process")
log, foreign = logs.get("ours"), logging.getLogger("theirs")
for value in json.load(sys.stdin):
    log.info(value, title=value, **{value[:50]: 1})
    foreign.warning("%s", value)
    log.info("many", values=[value] * 100_000, **{"names": dict.fromkeys(map(str, range(10_000)))})
    token = "CANARY-of-a-local-variable"
    try:
        raise ValueError(value)
    except ValueError as error:
        log.error("failed", exc_info=error)
        foreign.exception(value)
"""


@pytest.fixture(scope="module")
def printed() -> list[str]:
    done = subprocess.run(  # noqa: S603 - a program of this test's own
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(HOSTILE),
        env={"PYTHONPATH": ":".join(sys.path), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_l1_each_event_is_one_line_of_plain_signs(printed: list[str]) -> None:
    assert len(printed) == 5 * len(HOSTILE)
    for line in printed:
        assert json.loads(line)["level"]
        assert all(" " <= sign <= "~" for sign in line)
        assert len(line.splitlines()) == 1


def test_l1_no_line_grows_without_end(printed: list[str]) -> None:
    assert max(map(len, printed)) < 300_000


def test_l1_nothing_that_was_said_looks_like_an_event_of_ours(printed: list[str]) -> None:
    assert "forged" not in {json.loads(line)["event"] for line in printed}


def test_v7_a_traceback_shows_no_variable(printed: list[str]) -> None:
    assert not any("CANARY" in line for line in printed)
