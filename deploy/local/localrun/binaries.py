"""Where Debian keeps the programs we run; some are not on the PATH."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path


class MissingError(Exception):
    """A program is not on this machine."""


@dataclass(frozen=True)
class Program:
    """A program, looked for on Debian's places first, then on the PATH."""

    name: str
    package: str  # of Debian
    places: tuple[str, ...] = ()  # globs below /; the newest version wins

    def find(self) -> Path:
        """Its path; MissingError when it is not there."""
        for place in self.places:
            if found := sorted(Path("/").glob(place), key=_version):
                return found[-1]
        if on_path := shutil.which(self.name):
            return Path(on_path)
        raise MissingError(f"{self.name} is not installed (Debian's package {self.package})")

    @property
    def missing(self) -> bool:
        """True when it has to be installed."""
        try:
            self.find()
        except MissingError:
            return True
        return False


POSTGRES = Program("postgres", "postgresql", ("usr/lib/postgresql/*/bin/postgres",))
PSQL = Program("psql", "postgresql-client")
# The script of the library folder: the wrapper on the PATH insists on the user rabbitmq.
RABBITMQ = Program(
    "rabbitmq-server",
    "rabbitmq-server",
    ("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server",),
)
EPMD = Program("epmd", "erlang-base")
REDIS = Program("redis-server", "redis-server")
PROMTOOL = Program("promtool", "prometheus")  # checks the alerts
PROMETHEUS = Program("prometheus", "prometheus")  # a test of the alerts runs it, nothing else


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]
