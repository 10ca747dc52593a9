"""A private PostgreSQL: trust on the loopback, durable commits, one database per service."""

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from localrun.addresses import PostgresAddress
from localrun.binaries import POSTGRES
from localrun.body import Command, StartError
from localrun.docker import DockerBody, Image
from localrun.server import Server

# For a checkout below a folder that only root may enter (/root, mkdtemp): PostgreSQL never runs
# as root, and its user could not reach the data there.
OUTSIDE = Path("/var/lib/clipcast-local")
PROTOCOL_3 = 3 << 16
STATEMENT_TIMEOUT = "15s"  # beyond what clients wait for: those whose client is gone
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path must stay below 108 bytes: TCP has no limit
    "max_connections": 300,
    "shared_buffers": "128MB",
    "fsync": "on",  # what is tested here is what survives a crash
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres(Server):
    """PostgreSQL of this machine, run by the user postgres when we are root."""

    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": does not wait for clients

    def __init__(self, home: Path, address: PostgresAddress) -> None:
        self.address = address
        super().__init__(home, address.how)

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.address.port,)

    @property
    def data(self) -> Path:
        """The data folder, in the checkout wherever the server's user can get there."""
        link = self.home / "data"
        return link.resolve() if link.is_symlink() else link

    def launch(self) -> Command:
        if not (self.data / "PG_VERSION").exists():
            self._create_data()
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        where = ("-D", str(self.data), "-p", str(self.address.port))
        argv = (*_as_owner(), str(POSTGRES.find()), *where, *options)
        return Command(argv, Path("/"), _env())

    def image(self) -> Image:
        env = {"POSTGRES_USER": self.address.user, "POSTGRES_HOST_AUTH_METHOD": "trust"}
        words = ("-cmax_connections=300",)
        return Image("postgres:15", {5432: self.address.port}, env, words)

    def ready(self) -> bool:
        """Let in by a start-up message of the protocol: a fraction of what psql costs."""
        words = f"user\0{self.address.user}\0database\0postgres\0\0".encode()
        try:
            with socket.create_connection((self.address.host, self.address.port), 5) as link:
                link.sendall(struct.pack("!ii", len(words) + 8, PROTOCOL_3) + words)
                return link.recv(1) == b"R"  # an authentication answer; "E" while it starts
        except OSError:
            return False

    def kill(self) -> None:
        super().kill()
        # An init that reaps late or never leaves a zombie, which PostgreSQL takes for a living
        # postmaster; that the whole tree is gone was just seen.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Run statements as the superuser, each on its own; rows a line each, fields split by |."""
        done = self._psql(statements, database)
        if done.returncode:
            raise RuntimeError(f"PostgreSQL refused {statements}: {done.stderr.strip()}")
        return done.stdout.strip()

    def create_database(self, name: str, role: str) -> str:
        """Create a database, the owner of its tables and a role to work as, unless they exist.

        The URL is that role's. It may enter; what it may do there, `migrate` says.
        """
        owner = self.address.owner(role)
        found = "SELECT rolname FROM pg_roles UNION ALL SELECT datname || '/' FROM pg_database"
        there = self.sql(found).splitlines()
        steps = [f'CREATE ROLE "{one}" LOGIN' for one in (owner, role) if one not in there]
        if f"{name}/" in there:  # of a former build, perhaps, whose role owned all
            self.sql(*steps, f'REASSIGN OWNED BY "{role}" TO "{owner}"', database=name)
        else:
            self.sql(
                *steps,
                f'CREATE DATABASE "{name}" OWNER "{owner}"',
                f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC',  # nobody reads another's tables
            )
        self.sql(
            f'GRANT CONNECT ON DATABASE "{name}" TO "{role}"',
            f"ALTER ROLE \"{role}\" SET statement_timeout = '{STATEMENT_TIMEOUT}'",
        )
        return self.address.url(name, role)

    def drop_database(self, name: str, role: str | None = None) -> None:
        """Drop a database, whoever is connected, and its roles when theirs is given."""
        roles = (role, self.address.owner(role)) if role else ()
        drops = [f'DROP ROLE IF EXISTS "{one}"' for one in roles]
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', *drops)

    def wipe(self) -> None:
        """Delete the data that lies outside the checkout, if any does."""
        super().wipe()
        if self.data.is_relative_to(OUTSIDE):
            shutil.rmtree(self.data.parent, ignore_errors=True)

    def _create_data(self) -> None:
        if os.geteuid() == 0 and not self._reachable():
            self._move_outside()
        self.data.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.data, owner.pw_uid, owner.pw_gid)
        self._initdb()

    def _initdb(self) -> None:
        initdb = POSTGRES.find().with_name("initdb")
        words = ("-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", self.address.user)
        done = subprocess.run(
            [*_as_owner(), initdb, "-D", self.data, *words],
            cwd="/",
            env=_env(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise StartError(f"postgres: initdb failed.\n{done.stdout}{done.stderr}")

    def _reachable(self) -> bool:
        seen = subprocess.run([*_as_owner(), "test", "-x", self.home], cwd="/", check=False)
        return seen.returncode == 0

    def _move_outside(self) -> None:
        mine = OUTSIDE / sha256(bytes(self.home)).hexdigest()[:16]
        mine.mkdir(mode=0o755, parents=True, exist_ok=True)
        link = self.home / "data"
        if link.is_symlink():
            link.unlink()
        link.symlink_to(mine / "data")

    def _psql(self, statements: Sequence[str], database: str) -> subprocess.CompletedProcess[str]:
        port, inside = self.address.port, list[str]()
        if isinstance(self.body, DockerBody):
            port, inside = 5432, ["docker", "exec", self.body.container]
        words = [word for statement in statements for word in ("-c", statement)]
        where = ("-h", self.address.host, "-p", str(port), "-U", self.address.user, "-d", database)
        return subprocess.run(
            [*inside, "psql", *where, "-XAtq", "-v", "ON_ERROR_STOP=1", *words],
            env=_env() | {"PGCONNECT_TIMEOUT": "5"},
            capture_output=True,
            text=True,
            check=False,
        )


def _as_owner() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    return ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--")


def _env() -> dict[str, str]:
    """Nothing of the caller's PG* variables: they would send psql elsewhere."""
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
