"""Moments at which a process can be made to die, freeze, fail or hang; off unless asked for."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import common
from common.failpoint import POINTS, failpoint

TREE = Path(common.__file__).parents[4]
PASS = "from common.failpoint import failpoint; failpoint('relay.leased'); print('passed')"
SLOW = "from common.failpoint import failpoint; input(); failpoint('relay.leased'); print('passed')"


@contextmanager
def child(folder: Path | str | None, code: str = PASS) -> Iterator["subprocess.Popen[str]"]:
    """A process that may pass a failpoint."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TREE / "libs/common/src")}
    if folder is not None:
        env["FAILPOINTS"] = str(folder)
    pipe = subprocess.PIPE
    process = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", code], env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(folder: Path | str | None, code: str = PASS) -> tuple[int, str, str]:
    """How it ended, what it said, and what it complained about."""
    with child(folder, code) as process:
        said, complained = process.communicate(timeout=30)
        return process.returncode, said, complained


def test_nothing_happens_when_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "relay.leased").write_text("kill9")
    failpoint("relay.leased")
    failpoint("nobody knows this")
    assert ended(None)[:2] == ended("")[:2] == (0, "passed\n")


def test_nothing_happens_where_nothing_is_ordered(tmp_path: Path) -> None:
    (tmp_path / "relay.published").write_text("kill9")
    assert ended(tmp_path)[:2] == (0, "passed\n")
    assert [one.name for one in tmp_path.iterdir()] == ["relay.published"]


def test_an_order_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "relay.leased").touch()
    assert ended(tmp_path)[:2] == (0, "passed\n")


def test_kill9_ends_the_process_on_the_spot(tmp_path: Path) -> None:
    (tmp_path / "relay.leased").write_text("kill9\n")
    assert ended(tmp_path)[:2] == (-signal.SIGKILL, "")


def test_stop_freezes_it_until_somebody_sends_sigcont(tmp_path: Path) -> None:
    (tmp_path / "relay.leased").write_text("stop")
    with child(tmp_path) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.communicate(timeout=30)[0] == "passed\n"


def test_raise_is_an_ordinary_exception(tmp_path: Path) -> None:
    (tmp_path / "relay.leased").write_text("raise")
    lines = (
        "from common.failpoint import failpoint",
        "try:",
        "    failpoint('relay.leased')",
        "except Exception as error:",
        "    print(repr(error))",
    )
    assert ended(tmp_path, "\n".join(lines))[:2] == (0, "Failpoint('relay.leased')\n")


def test_sleep_hangs_the_whole_process(tmp_path: Path) -> None:
    (tmp_path / "relay.leased").write_text("sleep 0.5")
    code = f"import time; began = time.monotonic(); {PASS}; print(time.monotonic() - began)"
    said = ended(tmp_path, code)[1].split()
    assert said[0] == "passed"
    assert float(said[1]) >= 0.5


def test_an_action_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (tmp_path / "relay.leased").write_text("explode")
    assert "explode" in ended(tmp_path)[2]


def test_it_fires_once_in_one_of_all_processes_and_leaves_a_record(tmp_path: Path) -> None:
    with child(tmp_path, SLOW) as one, child(tmp_path, SLOW) as other:
        (tmp_path / "relay.leased").write_text("kill9")
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        codes = {process.pid: process.wait(timeout=30) for process in (one, other)}
    assert sorted(codes.values()) == [-signal.SIGKILL, 0]
    assert not (tmp_path / "relay.leased").exists()
    [record] = (tmp_path / "fired").iterdir()
    point, pid, when = record.name.rsplit(".", 2)
    assert (point, record.read_text()) == ("relay.leased", "kill9")
    assert codes[int(pid)] == -signal.SIGKILL
    assert 0 <= time.time_ns() - int(when) < 60e9


def test_a_point_can_be_ordered_again_and_again(tmp_path: Path) -> None:
    for times in (1, 2):
        (tmp_path / "relay.leased").write_text("kill9")
        assert ended(tmp_path)[0] == -signal.SIGKILL
        assert len(list((tmp_path / "fired").iterdir())) == times


def test_a_point_that_is_not_listed_is_refused_wherever_points_are_on(tmp_path: Path) -> None:
    code, _, complained = ended(tmp_path, PASS.replace("relay.leased", "relay.forgotten"))
    assert code == 1
    assert "relay.forgotten" in complained


def test_the_list_names_exactly_the_points_that_the_code_passes() -> None:
    sources = [*TREE.glob("libs/*/src/**/*.py"), *TREE.glob("services/*/src/**/*.py")]
    call = re.compile(r'\bfailpoint\("([^"]*)"\)')
    placed = {name for source in sources for name in call.findall(source.read_text())}
    assert placed == set(POINTS)


def test_every_point_is_named_by_its_part_and_told_in_one_line() -> None:
    parts = {"bus", "relay", "publisher", "connections", "oauth-gateway", "stats-collector"}
    assert {name.split(".")[0] for name in POINTS} == parts
    for name, told in POINTS.items():
        assert re.fullmatch(r"[a-z-]+\.[a-z]+", name)
        assert "\n" not in told
        assert 20 < len(told) < 100
