"""A private Redis, with a numbered database for each stack that shares it."""

import json
import os
import socket
from pathlib import Path
from typing import ClassVar

from localrun.addresses import RedisAddress
from localrun.binaries import REDIS
from localrun.body import Command
from localrun.docker import Image
from localrun.lock import locked
from localrun.server import Server

DATABASES = 512


class Redis(Server):
    """Redis on the loopback; what it holds survives a restart (append-only file)."""

    name: ClassVar[str] = "redis"

    def __init__(self, home: Path, address: RedisAddress) -> None:
        self.address = address
        super().__init__(home, address.how)

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.address.port,)

    def launch(self) -> Command:
        settings = {
            "port": self.address.port,
            "bind": self.address.host,
            "dir": self.home,
            "databases": DATABASES,
            "appendonly": "yes",
            "save": "",
        }
        words = [str(word) for key, value in settings.items() for word in (f"--{key}", value)]
        return Command((REDIS.find(), *words), self.home, {"PATH": os.environ["PATH"]})

    def image(self) -> Image:
        words = ("redis-server", "--databases", str(DATABASES), "--appendonly", "yes")
        return Image("redis:7", {6379: self.address.port}, words=words)

    def ready(self) -> bool:
        try:
            return self.call(0, "PING") == b"+PONG"
        except OSError:
            return False

    def allocate_db(self, owner: str) -> int:
        """The database number of `owner`: always the same one, empty when first given."""
        with locked(self.home / "databases.lock"):
            taken = self._taken()
            if owner not in taken:
                free = set(range(1, DATABASES)) - set(taken.values())
                if not free:
                    raise RuntimeError(f"all {DATABASES - 1} Redis databases are given away")
                taken[owner] = min(free)
                self.call(taken[owner], "FLUSHDB")
                self._keep(taken)
            return taken[owner]

    def release_db(self, owner: str) -> None:
        """Empty the owner's database and give it back."""
        with locked(self.home / "databases.lock"):
            taken = self._taken()
            if (number := taken.pop(owner, None)) is not None:
                self.call(number, "FLUSHDB")
                self._keep(taken)

    def call(self, db: int, *words: str) -> bytes:
        """Send one command to database `db`; the first line of the answer."""
        with socket.create_connection((self.address.host, self.address.port), timeout=5) as link:
            answers = link.makefile("rb")
            link.sendall(_encoded("SELECT", str(db)))
            answers.readline()
            link.sendall(_encoded(*words))
            return answers.readline().strip()

    def _taken(self) -> dict[str, int]:
        path = self.home / "databases.json"
        taken: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        return taken

    def _keep(self, taken: dict[str, int]) -> None:
        (self.home / "databases.json").write_text(json.dumps(taken))


def _encoded(*words: str) -> bytes:
    parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
    return "".join(parts).encode()
