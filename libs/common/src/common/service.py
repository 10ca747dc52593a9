"""The command line of every service: `python -m <package> http|worker|migrate|topology|dead`."""

import argparse
import asyncio
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from common import commands_dead
from common.bus import topology
from common.bus.subscription import Subscription, queues
from common.db import migrate
from common.observe import logs
from common.settings import Settings, load

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Service(Generic[S]):
    """One service, as its `__main__` describes it."""

    name: str
    settings: type[S]
    migrations: Path
    subscriptions: tuple[Subscription, ...]
    processes: Mapping[str, Callable[[S, argparse.Namespace], None]]
    arguments: Mapping[str, Callable[[argparse.ArgumentParser], Any]] = field(default_factory=dict)
    """Options of a process, by its name."""

    def main(self) -> None:
        """Read the command line and run one process or task."""
        chosen = self._command_line().parse_args()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold tokens
        if chosen.command == "dead":
            commands_dead.configure_logs(self.name)
        else:
            logs.configure(self.name, chosen.command)
        settings = load(self.settings)
        own = queues(self.name, self.subscriptions, settings.bus_retry_delays)
        match chosen.command:
            case "migrate" if chosen.down:
                migrate.downgrade(self.migrations, settings.database_url, chosen.revision)
            case "migrate":
                migrate.upgrade(self.migrations, settings.database_url, chosen.revision)
            case "topology":
                asyncio.run(topology.declare(settings.rabbitmq_url, self.name, own))
            case "dead":
                sys.exit(commands_dead.run(settings.rabbitmq_url, own, chosen))
            case name:
                self.processes[name](settings, chosen)

    def _command_line(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog=f"python -m {self.name.replace('-', '_')}")
        commands = parser.add_subparsers(dest="command", required=True)
        for name in self.processes:
            process = commands.add_parser(name, help=f"run the {name} process")
            if name in self.arguments:
                self.arguments[name](process)
        move = commands.add_parser("migrate", help="bring the database to a revision")
        move.add_argument("revision", nargs="?", default="head")
        move.add_argument("--down", action="store_true", help="undo down to the revision")
        commands.add_parser("topology", help="declare exchanges and queues")
        letters = commands.add_parser("dead", help="look at dead letters, replay or drop them")
        commands_dead.arguments(
            letters, [one.name for one in queues(self.name, self.subscriptions, ())]
        )
        return parser
