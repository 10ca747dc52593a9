"""Whatever is logged is one line that a machine can read, and that a terminal only shows (L1)."""

import json
import os
import pty
import re
import subprocess
import sys
import threading

import pytest

HOSTILE = (
    "a\nb",
    'a\r\n{"event": "forged"}',
    "\x1b[2J\x1b[31mred\x07",
    "left\u2028right\u2029end",
    "\x85next\x0bdown\x0c",
    "\u202etxt.exe",
    "\u2066isolated\u2069 \u200fmark \ufeff\u200b",
    "\x9b31mcoloured by one sign\x9d0;title\x9c",
    "\x1b]52;c;Zm9yZ2Vk\x07",
    "\x7f\x08\x08back",
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


PROGRAM_OF = (sys.executable, "-c", PROGRAM)
ENV = {"PYTHONPATH": ":".join(sys.path), "LC_ALL": "C.UTF-8"}
STYLE = re.compile(r"\x1b\[\d{0,2}m")
"""What the terminal form colours with."""


@pytest.fixture(scope="module")
def printed() -> list[str]:
    done = subprocess.run(  # noqa: S603 - a program of this test's own
        PROGRAM_OF, input=json.dumps(HOSTILE), env=ENV, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.fixture(scope="module")
def shown() -> str:
    """What a terminal gets."""
    ours, its = pty.openpty()
    got = bytearray()

    def read() -> None:
        while piece := _read(ours):
            got.extend(piece)

    reading = threading.Thread(target=read)
    reading.start()
    try:
        subprocess.run(  # noqa: S603 - a program of this test's own
            PROGRAM_OF, input=json.dumps(HOSTILE).encode(), env=ENV, stdout=its, check=True
        )
    finally:
        os.close(its)
        reading.join()
        os.close(ours)
    return got.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the last writer has gone
        return b""


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


def test_l1_a_terminal_is_told_nothing_but_our_colours(shown: str) -> None:
    """No sign of a stranger's moves the cursor, colours, hides, or turns the order of letters."""
    rest = STYLE.sub("", shown)
    assert {sign for sign in rest if not sign.isprintable()} == {"\n"}
    assert "\x1b[31mred" not in shown  # a colour, but not of ours
    assert r"\x1b[2J\x1b[31mred\x07" in rest
    assert r"\u202etxt.exe" in rest


def test_l1_no_line_at_a_terminal_looks_like_one_of_ours_but_those(shown: str) -> None:
    ours = re.compile(r"\d\d:\d\d:\d\d \[(info|warning|error) *\] ")
    lines = STYLE.sub("", shown).split("\n")[:-1]
    assert sum(bool(ours.match(line)) for line in lines) == 5 * len(HOSTILE)
    assert all(ours.match(line) or line.startswith("  | ") for line in lines)
    assert max(map(len, lines)) < 10_000


def test_a_line_at_a_terminal_is_short_coloured_and_holds_what_was_said(shown: str) -> None:
    assert "\x1b[1m" in shown
    line = next(one for one in STYLE.sub("", shown).split("\n") if "txt.exe" in one)
    assert re.search(r"title=\\u202etxt\.exe .*trace_id=[0-9a-f]{32}$", line)
    assert "correlation_id" not in line
    assert "process=" not in line


def test_v7_a_traceback_at_a_terminal_shows_no_variable(shown: str) -> None:
    assert "ValueError" in shown
    assert "CANARY" not in shown
