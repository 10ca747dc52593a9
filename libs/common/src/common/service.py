"""The command line of every service: `python -m <package> http|worker|migrate|topology|doctor`."""

import argparse
import asyncio
import gc
import json
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx
from aio_pika.exceptions import ChannelClosed
from pydantic_settings import BaseSettings
from sqlalchemy import MetaData

from common import commands_dead
from common.bus import rights, topology
from common.bus.subscription import Queue, Subscription, queues
from common.doctor import broker, cache, command, database
from common.doctor.finding import Check
from common.observe import logs
from common.observe.recording import recording
from common.settings import Privileged, Settings, load

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Command(Generic[S]):
    """What a service can be asked beside running; its answer alone is on standard output."""

    help: str
    run: Callable[[S, argparse.Namespace], int]
    """The exit code."""
    arguments: Callable[[argparse.ArgumentParser], Any] = lambda _parser: None


@dataclass(frozen=True, slots=True)
class Service(Generic[S]):
    """One service, as its `__main__` describes it."""

    name: str
    settings: type[S]
    migrations: Path
    tables: MetaData
    """What the migrations make, for the doctor."""
    subscriptions: tuple[Subscription, ...]
    processes: Mapping[str, Callable[[S, argparse.Namespace], None]]
    arguments: Mapping[str, Callable[[argparse.ArgumentParser], Any]] = field(default_factory=dict)
    """Options of a process, by its name."""
    commands: Mapping[str, Command[S]] = field(default_factory=dict)
    """What only this service has."""
    also: tuple[type[BaseSettings], ...] = ()
    """Settings that its processes read beside `settings`."""
    checks: tuple[Check[S], ...] = ()
    """Lines of the doctor's that not every service has."""

    def main(self) -> None:
        """Read the command line and run one process or task."""
        gc.freeze()  # what is imported now stays; `__main__` had switched the collector off
        gc.enable()
        chosen = self._command_line().parse_args()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold tokens
        if chosen.command in {"dead", "doctor", *self.commands}:
            commands_dead.configure_logs(self.name, chosen.command)
        else:
            logs.configure(self.name, chosen.command)
        if chosen.command == "topology" and chosen.rights:
            print(json.dumps(asdict(self._rights()), indent=2))  # noqa: T201 - the result of a command
            return
        if chosen.command == "doctor":
            sys.exit(command.run(self.name, self.settings, self.also, self._checks(), chosen))
        settings = load(self.settings)
        own = queues(self.name, self.subscriptions, settings.bus_retry_delays)
        match chosen.command:
            case "migrate":
                self._migrate(settings, load(Privileged), chosen)
            case "topology":
                self._topology(settings, load(Privileged), own)
            case "dead":
                sys.exit(commands_dead.run(settings.rabbitmq_url, own, chosen))
            case name if name in self.commands:
                sys.exit(self.commands[name].run(settings, chosen))
            case name:
                with recording(self.name, name):
                    self.processes[name](settings, chosen)

    def _migrate(
        self, settings: Settings, privileged: Privileged, chosen: argparse.Namespace
    ) -> None:
        from common.db import migrate  # noqa: PLC0415 - no process needs alembic

        move = migrate.downgrade if chosen.down else migrate.upgrade
        owner = privileged.database_owner_url or settings.database_url
        if not privileged.database_owner_url:
            _warn("DATABASE_OWNER_URL is not set: the service may change and drop its own tables")
        move(self.migrations, owner, chosen.revision, user=settings.database_url)

    def _topology(self, settings: Settings, privileged: Privileged, own: tuple[Queue, ...]) -> None:
        admin, user = privileged.rabbitmq_admin_url, settings.rabbitmq_url
        try:
            asyncio.run(topology.declare(admin or user, self.name, own))
        except ChannelClosed as refusal:
            sys.exit(f"RABBITMQ_ADMIN_URL: its user has to declare, and was refused: {refusal}")
        if not (admin and privileged.rabbitmq_management_url):
            _warn(
                "no rights were given: that takes RABBITMQ_ADMIN_URL and RABBITMQ_MANAGEMENT_URL; "
                "`topology --rights` prints what to give by hand"
            )
            return
        try:
            rights.grant(privileged.rabbitmq_management_url, admin, user, self._rights())
        except httpx.HTTPError as error:
            kind = type(error).__name__
            sys.exit(f"RABBITMQ_MANAGEMENT_URL: the rights could not be given ({kind})")

    def _checks(self) -> tuple[Check[S], ...]:
        return (
            database.check(self._package, self.migrations, self.tables),
            broker.check(self._package, self.name, self.subscriptions),
            cache.CHECK,
            *self.checks,
        )

    @property
    def _package(self) -> str:
        return self.name.replace("-", "_")

    def _rights(self) -> rights.Rights:
        return rights.needed(self.name, queues(self.name, self.subscriptions, ()))

    def _command_line(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog=f"python -m {self._package}")
        commands = parser.add_subparsers(dest="command", required=True)
        for name in self.processes:
            process = commands.add_parser(name, help=f"run the {name} process")
            if name in self.arguments:
                self.arguments[name](process)
        move = commands.add_parser("migrate", help="bring the database to a revision")
        move.add_argument("revision", nargs="?", default="head")
        move.add_argument("--down", action="store_true", help="undo down to the revision")
        declare = commands.add_parser("topology", help="declare exchanges and queues")
        declare.add_argument(
            "--rights", action="store_true", help="print what the service's user needs; no more"
        )
        walk = commands.add_parser("doctor", help="say what is missing before a deployment")
        walk.add_argument("--json", action="store_true", help="one JSON object")
        letters = commands.add_parser("dead", help="look at dead letters, replay or drop them")
        commands_dead.arguments(
            letters, [one.name for one in queues(self.name, self.subscriptions, ())]
        )
        for name, own in self.commands.items():
            own.arguments(commands.add_parser(name, help=own.help))
        return parser


def _warn(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - for whoever runs a task
