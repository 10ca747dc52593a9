"""A person's terminal: the command against the system of the tests."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localrun.environment import TREE
from localrun.person import Person
from support.command import COMMAND, Done, clipcast, environment

if TYPE_CHECKING:
    from e2e.conftest import Sandbox

CLIP = TREE / "deploy/local/clip.mp4"
RUSSIAN = {"LANG": "ru_RU.UTF-8"}


@dataclass(frozen=True)
class Shell:
    """A person's terminal."""

    env: dict[str, str]
    person: Person
    sandbox: "Sandbox"

    def run(self, *words: str, typed: str = "", **env: str) -> Done:
        return clipcast(*words, env=self.env | env, typed=typed)

    def told(self, *words: str, typed: str = "") -> Any:
        """The document of a command that went well."""
        done = self.run(*words, "--json", typed=typed)
        assert done.code == 0, done.err
        return done.document

    def began(self, *words: str, **more: Any) -> "subprocess.Popen[str]":
        """A command that is still running."""
        return subprocess.Popen(
            # As at a terminal: what a shell starts in the background inherits a deaf ear.
            ("env", "--default-signal=INT", *COMMAND, *words),
            env=environment(**self.env),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **more,
        )


def published(title: str, *to: str) -> tuple[str, ...]:
    return ("publish", str(CLIP), "--to", ",".join(to), "--title", title)


def heard(running: "subprocess.Popen[str]", wanted: Callable[[str], bool]) -> str:
    """Read what it says until a line is as wanted."""
    assert running.stderr is not None
    for line in running.stderr:
        if wanted(line):
            return line.strip()
    raise AssertionError("it never said so")
