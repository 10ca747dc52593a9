"""Starts PostgreSQL, RabbitMQ and Redis for this checkout alone; `up` again costs nothing.

A system's own servers are left alone: these have their own folders and ports, listen on the
loopback only, outlive their starter, and are stopped by a recorded pid that is proven to be ours.

    python deploy/local/servers.py up|down|status|wipe [--home .local/servers]
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from localrun.addresses import Addresses
from localrun.at_once import at_once
from localrun.body import StartError
from localrun.install import provide
from localrun.lock import locked
from localrun.ports import is_free
from localrun.postgres import Postgres
from localrun.rabbitmq import RabbitMQ
from localrun.redis_server import Redis
from localrun.server import Server

DEFAULT_HOME = Path(__file__).parents[2] / ".local/servers"


class Servers:
    """The three servers of one folder."""

    def __init__(self, home: Path = DEFAULT_HOME) -> None:
        self.home = home.resolve()
        self._file = self.home / "servers.json"

    @property
    def addresses(self) -> Addresses:
        """Where they listen; chosen by the first `up`."""
        if addresses := Addresses.load(self._file):
            return addresses
        raise StartError(f"no servers were ever started in {self.home}: run servers.py up")

    @cached_property
    def postgres(self) -> Postgres:
        return Postgres(self.home, self.addresses.postgres)

    @cached_property
    def rabbitmq(self) -> RabbitMQ:
        return RabbitMQ(self.home, self.addresses.rabbitmq)

    @cached_property
    def redis(self) -> Redis:
        return Redis(self.home, self.addresses.redis)

    @property
    def all(self) -> tuple[Server, ...]:
        return (self.postgres, self.rabbitmq, self.redis)

    def running(self) -> bool:
        """True when any of them runs."""
        return self._file.exists() and any(server.running for server in self.all)

    def up(self) -> Addresses:
        """Start what does not run, all at once; safe to call from many processes together."""
        with locked(self.home / "lock"):
            if not self._file.exists():
                Addresses.chosen(provide()).save(self._file)
                self._forget()
            self._leave_busy_ports()
            at_once(*(server.start for server in self.all))
        return self.addresses

    def down(self) -> None:
        """Stop them in good order; their data stays."""
        with locked(self.home / "lock"):
            if self._file.exists():
                at_once(*(server.stop for server in self.all))

    def wipe(self) -> None:
        """End them and delete everything they hold."""
        if self._file.exists():
            for server in self.all:
                server.kill()
                server.wipe()
        shutil.rmtree(self.home, ignore_errors=True)
        self._forget()

    def _leave_busy_ports(self) -> None:
        """A stopped server whose port was taken meanwhile by a stranger moves to another."""
        busy = {
            port
            for server in self.all
            if not server.running
            for port in server.ports
            if not is_free(port)
        }
        if busy:
            self.addresses.moved(busy).save(self._file)
            self._forget()

    def _forget(self) -> None:
        for name in ("postgres", "rabbitmq", "redis"):
            self.__dict__.pop(name, None)


def main(words: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Private servers of this checkout.")
    parser.add_argument("action", choices=("up", "down", "status", "wipe"))
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME)
    arguments = parser.parse_args(words)
    servers = Servers(arguments.home)
    try:
        match arguments.action:
            case "up":
                servers.up()
                _show(servers)
            case "down":
                servers.down()
            case "wipe":
                servers.wipe()
            case _:
                _show(servers)
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _show(servers: Servers) -> None:
    for server in servers.all:
        state = f"pid {server.pid}" if server.running else "stopped"
        print(f"{server.name:<9} 127.0.0.1:{server.ports[0]}  {state}  {server.home}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
