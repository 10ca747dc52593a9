"""The command where there is no system, or a strange one: sentences and codes, no tracebacks."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.places import variable
from cli.words import Owner
from support.command import Done, clipcast, environment
from support.nowhere import HTTP
from support.same_answer import answering

CHECK = {"name": "database", "ok": True, "detail": "postgresql", "mend": ""}


def played(folder: Path, service: Owner, code: str) -> None:
    (folder / service.package).mkdir()
    (folder / service.package / "__init__.py").touch()
    (folder / service.package / "__main__.py").write_text(code)


def test_nobody_there_is_told_with_the_way_to_mend_it() -> None:
    done = clipcast("list", "--json", env={"CLIPCAST_PUBLISHER_URL": HTTP})
    assert (done.code, done.document["error"]["code"]) == (3, "unreachable")
    assert HTTP in done.err
    assert "--publisher-url" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["dead", "stats-collector"], "python -m stats_collector dead"),
        (["keys"], "python -m oauth_gateway keys"),
        (["reseal"], "python -m oauth_gateway reseal"),
    ],
)
def test_a_service_s_own_command_takes_over(words: list[str], program: str) -> None:
    done = clipcast(*words, "--help")
    assert done.code == 0
    assert program in done.out


def test_its_exit_code_is_the_services() -> None:
    done = clipcast("dead", "publisher", "bury")
    assert done.code == 2
    assert "invalid choice: 'bury'" in done.err


def test_a_folder_named_like_a_service_is_not_run(tmp_path: Path) -> None:
    played(tmp_path, Owner.PUBLISHER, "print('hijacked')")
    done = subprocess.run(
        (sys.executable, "-P", "-m", "cli", "dead", "publisher", "--help"),
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "hijacked" not in done.stdout


def doctor(folder: Path, program: str, url: str) -> Done:
    """Of a played publisher that answers at `url`."""
    played(folder, Owner.PUBLISHER, program)
    path = os.pathsep.join((str(folder), environment()["PYTHONPATH"]))
    env = {"PYTHONPATH": path, "CLIPCAST_PUBLISHER_URL": url}
    return clipcast("doctor", "publisher", "--json", env=env)


def outcome(done: Done) -> list[tuple[str, bool | None]]:
    return [(one["check"], one["ok"]) for one in done.document["checks"]]


def test_doctor_asks_the_service_and_its_gateway(tmp_path: Path) -> None:
    done = doctor(tmp_path, f"print({json.dumps({'checks': [CHECK]})!r})", HTTP)
    assert done.code == 1
    assert outcome(done) == [("database", True), ("readyz", False)]
    assert "CLIPCAST_PUBLISHER_URL" in done.document["checks"][1]["mend"]


@pytest.mark.parametrize(
    ("check", "ends_with", "code"),
    [
        (CHECK, 0, 0),
        (CHECK | {"ok": None}, 0, 0),
        (CHECK | {"ok": None, "mend": "mend the setting first"}, 1, 1),
        (CHECK | {"ok": None, "mend": "mend the setting first"}, 0, 1),
        (CHECK | {"ok": False}, 1, 1),
        (CHECK, 1, 1),
    ],
)
def test_doctor_is_as_strict_as_the_service_s(
    tmp_path: Path, check: dict[str, Any], ends_with: int, code: int
) -> None:
    program = f"import sys; print({json.dumps({'checks': [check]})!r}); sys.exit({ends_with})"
    with answering(b'{"ready": true, "checks": {}}') as url:
        done = doctor(tmp_path, program, url)
    assert (done.code, done.document["ok"]) == (code, code == 0)
    assert outcome(done)[0] == ("database", check["ok"])


def test_a_service_without_settings_says_which(tmp_path: Path) -> None:
    done = doctor(tmp_path, "import sys; sys.exit('DATABASE_URL is missing')", HTTP)
    assert done.code == 1
    assert outcome(done)[0] == ("doctor", False)
    assert done.document["checks"][0]["detail"] == "DATABASE_URL is missing"


def test_doctor_asks_no_service_in_an_environment_that_nobody_named() -> None:
    """All read the same names of settings, so one environment can't fit four."""
    with answering(b'{"ready": true, "checks": {}}') as url:
        done = clipcast("doctor", "--json", env={variable(one): url for one in Owner})
    assert done.code == 0, done.out
    asked = [(one["check"], one["ok"]) for one in done.document["checks"]]
    assert asked == [("readyz", True)] * 4 + [("doctor", None)] * 4
    assert "clipcast doctor publisher where it runs" in done.out


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("clipcast publish --to vk,r", "vk,rutube"),
        ("clipcast list --status sche", "scheduled"),
        ("clipcast dead pub", "publisher"),
    ],
)
def test_the_shell_completes(line: str, completed: str) -> None:
    env = {
        "_CLIPCAST_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
    }
    assert clipcast(env=env).out.split() == [completed]


def test_the_launcher_of_the_environment_runs_it() -> None:
    launcher = Path(sys.executable).with_name("clipcast")
    done = subprocess.run(  # noqa: S603 - our own launcher
        (launcher, "--help"), capture_output=True, text=True, check=True
    )
    assert "publish" in done.stdout
