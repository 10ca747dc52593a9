"""Runs the `clipcast` command as a process of its own, as a shell would."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localrun.environment import TREE

PATIENCE = 300.0
COMMAND = (sys.executable, "-P", "-m", "cli")


@dataclass(frozen=True)
class Done:
    """How it ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one document on stdout. Raises when there is anything else."""
        return json.loads(self.out)


def environment(**settings: str) -> dict[str, str]:
    """Nothing of ours, but `settings`."""
    sources = sorted((*TREE.glob("libs/*/src"), *TREE.glob("services/*/src")))
    path = os.pathsep.join(str(source) for source in sources)
    usual = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "LANG": "en_US.UTF-8", "TZ": "UTC"}
    return usual | {"CLIPCAST_UP_FILE": os.devnull} | settings


def clipcast(*words: str, env: Mapping[str, str] | None = None, typed: str = "") -> Done:
    """Run it to its end; `typed` is what it is told on stdin."""
    done = subprocess.run(
        (*COMMAND, *words),
        env=environment(**env or {}),
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
