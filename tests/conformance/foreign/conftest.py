"""One sandbox process per session, as it was at the start for each test, and foreign clients."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.foreign.environment import HERE, foreign_python
from conformance.sandbox_process import ROOT, Sandbox, running

Outcome = dict[str, Any]
Speak = Callable[..., list[Outcome]]


class Speaker:
    """One foreign library in a process of its own; importing it takes seconds, so it stays."""

    def __init__(self, library: str) -> None:
        self._process = subprocess.Popen(
            [foreign_python(), HERE / "clients" / f"{library}_client.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, order: dict[str, Any]) -> list[Outcome]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        outcomes: list[Outcome] = json.loads(self._process.stdout.readline())
        return outcomes

    def leave(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="session")
def speakers() -> Iterator[Callable[[str], Speaker]]:
    """The libraries, each started when first needed."""
    started: dict[str, Speaker] = {}

    def speaker(library: str) -> Speaker:
        if library not in started:
            started[library] = Speaker(library)
        return started[library]

    yield speaker
    for one in started.values():
        one.leave()


@pytest.fixture(scope="session")
def process() -> Iterator[Sandbox]:
    """Processing takes a minute of the sandbox's clock, which the tests move."""
    with running(PROCESSING_SECONDS="60") as started:
        yield started


@pytest.fixture
def sandbox(process: Sandbox) -> Sandbox:
    """With everything forgotten."""
    process.reset()
    return process


@pytest.fixture(scope="session")
def clip() -> Path:
    """A small real video: 270 × 480, 4 s, H.264 and AAC."""
    return ROOT / "deploy/local/clip.mp4"


@pytest.fixture
def speak(speakers: Callable[[str], Speaker], sandbox: Sandbox) -> Speak:
    """Runs calls through a foreign client: `speak("aiogram", token, ("get_me", {}), …)`."""

    def run(library: str, token: str, *calls: tuple[str, dict[str, Any]]) -> list[Outcome]:
        return speakers(library).ask({"url": sandbox.url, "token": token, "calls": calls})

    return run
