"""Builds of this product that can run side by side: this tree, and the one before a migration."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from localrun.environment import TREE
from localrun.member import Member
from localrun.process import spawn

MIGRATIONS = "services/publisher/src/publisher/db/migrations/versions"
LOCK = "requirements.lock"


class NoOlderBuild(Exception):
    """Why there is none here."""


@dataclass(frozen=True, slots=True)
class Build:
    """The sources below `tree`."""

    tree: Path = TREE

    def start(self, member: Member) -> None:
        """Start a stack's process from these sources, with the settings that it has today."""
        sources = sorted((*self.tree.glob("libs/*/src"), *self.tree.glob("services/*/src")))
        env = {**member._env, "PYTHONPATH": ":".join(map(str, sources))}
        command = (sys.executable, "-m", *member.plan.words)
        spawn(command, env=env, cwd=self.tree, log=member.log).save(member._record)


def revisions() -> list[str]:
    """All of publisher's, oldest first."""
    return sorted(file.stem[:4] for file in (TREE / MIGRATIONS).glob("0*.py"))


def before_newest_migration(folder: Path) -> Build:
    """The tree as it was before publisher's newest migration was added. Raises NoOlderBuild."""
    newest = max((TREE / MIGRATIONS).glob("0*.py")).relative_to(TREE)
    added = _git("log", "--diff-filter=A", "--format=%H", "--", str(newest)).decode().split()
    if not added:
        raise NoOlderBuild("the newest migration is not committed, or there is no history")
    packed = _git("archive", f"{added[-1]}^", "libs", "services", LOCK)
    if not packed:
        raise NoOlderBuild("the history before the newest migration is not here")
    subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
    if missing := _locked(folder) - _locked(TREE):
        raise NoOlderBuild(f"it needs what is not installed: {', '.join(sorted(missing))}")
    return Build(folder)


def _locked(tree: Path) -> set[str]:
    """Names with versions; more libraries than it needs do an older build no harm."""
    lines = (tree / LOCK).read_text().splitlines()
    return {line.split()[0] for line in lines if "==" in line and line[0].isalnum()}


def _git(*words: str) -> bytes:
    """What it prints; nothing when there is no git or no repository."""
    try:
        return subprocess.run(["git", *words], cwd=TREE, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""
