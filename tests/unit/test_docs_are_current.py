"""The generated pages of docs/ say what the code says, and what they name exists."""

import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

from localrun.environment import TREE
from localrun.plan import SERVICES

BY_ITS_LINES = ("tests/e2e/test_qa_publishing.py", "tests/e2e/test_qa_operations.py")


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script docs/generate.py."""
    monkeypatch.syspath_prepend(TREE / "docs")
    return import_module("generate")


@pytest.fixture
def checklist(generate: ModuleType) -> ModuleType:
    """What it writes docs/checklist.md from."""
    found: ModuleType = generate.checklist
    return found


def test_the_generated_pages_are_current(generate: ModuleType) -> None:
    stale = "\n".join(generate.differences())
    assert not stale, f"run `make docs`:\n{stale}"


def test_every_line_of_the_checklist_is_shown_by_a_test(checklist: ModuleType) -> None:
    lines = {line: by for lines in checklist.SECTIONS.values() for line, by in lines.items()}
    assert len(checklist.JUDGED_BY) == 15
    assert [line for line, by in lines.items() if not any("::" in one for one in by)] == []


def test_every_test_that_the_checklist_names_exists(checklist: ModuleType) -> None:
    for name in (one for one in checklist.named() if "::" in one):
        path, test = name.split("::")
        assert test.startswith("test_")
        assert test in checklist.tests_of(path), name


def test_every_command_that_the_checklist_names_is_known(checklist: ModuleType) -> None:
    targets = re.findall(r"^([a-z-]+):", (TREE / "Makefile").read_text(), re.MULTILINE)
    commands = [one for one in checklist.named() if "::" not in one]
    assert commands
    for command in commands:
        match shlex.split(command):
            case ["make", target]:
                assert target in targets
            case ["python", *words]:
                assert words[1] in SERVICES.values()
                asked = subprocess.run(
                    [sys.executable, *words, "--help"],  # of all words before it, and runs nothing
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert asked.returncode == 0, asked.stderr
                assert all(word in asked.stdout for word in words if word.startswith("--"))
            case _:
                pytest.fail(f"what is {command!r}?")


@pytest.mark.parametrize("path", BY_ITS_LINES)
def test_every_test_of_the_checklist_is_on_its_page(checklist: ModuleType, path: str) -> None:
    tests = {f"{path}::{name}" for name in checklist.tests_of(path) if name.startswith("test_")}
    assert tests
    assert tests <= set(checklist.named())
