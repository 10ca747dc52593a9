"""The command line of make up, down, logs, token and doctor."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localrun.body import StartError
from localrun.environment import TREE
from localrun.plan import SERVICES

if TYPE_CHECKING:
    from stack import Stack

USER, PLAN = "demo", "pro"
PLANS = ("free", "start", "pro", "business")


def main(words: Sequence[str], open_stack: "Callable[[Path], Stack]") -> int:
    """The exit code."""
    arguments = _parser().parse_args(words)
    home: Path = arguments.home
    stack = open_stack(home)
    try:
        match arguments.action:
            case "up":
                print("Starting every process; the first time takes about a minute ...", flush=True)
                stack.up()
                _show(stack)
            case "down":
                stack.stop()
                stack.servers.down()
            case "logs":
                files = sorted((home / "logs").glob("*.log"))
                if not files:
                    raise StartError(f"no logs in {home}/logs: run make up first")
                os.execvp("tail", ("tail", "-n", "20", "-F", *map(str, files)))  # noqa: S606 - tail is all it is
            case "run":
                return run(stack, arguments.service, arguments.words)
            case "doctor":
                return max([run(stack, service, ["doctor"]) for service in SERVICES])
            case _:
                print(stack.token(arguments.user, arguments.plan, arguments.role))
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(stack: "Stack", service: str, words: Sequence[str]) -> int:
    """A command of a service with the settings of the stack's own processes; its exit code."""
    if not (stack.home / "up.json").exists():
        raise StartError("nothing runs here: run make up first")
    tasks = stack.members[f"{service}-http"].tasks(*words)
    command = (sys.executable, "-m", tasks.package, *tasks.names)
    return subprocess.run(command, env=tasks.env, cwd=TREE, check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The whole system on this machine.")
    actions = parser.add_subparsers(dest="action", required=True)
    for name in ("up", "down", "logs", "token", "doctor", "run"):
        action = actions.add_parser(name)
        action.add_argument("--home", type=Path, default=TREE / ".local")
        if name == "token":
            action.add_argument("--user", default=USER)
            action.add_argument("--plan", default=PLAN, choices=PLANS)
            action.add_argument("--role", choices=("operator",))
        if name == "run":
            action.add_argument("service", choices=SERVICES)
            action.add_argument("words", nargs=argparse.REMAINDER)
    return parser


def _show(stack: "Stack") -> None:
    for service, url in stack.urls.items():
        print(f"{service:<16} {url}")
    print(f"{'told in':<16} {stack.home}/up.json")
    print(f"{'logs':<16} {stack.home}/logs")
    print(f"{'bearer token':<16} {stack.token()}")
