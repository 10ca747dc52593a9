"""Where the private servers listen: chosen once, kept in one file, read by every process."""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from localrun.ports import LOOPBACK, free_port, free_ports

How = Literal["native", "docker"]


@dataclass(frozen=True)
class PostgresAddress:
    """PostgreSQL; any role may come in from the loopback without a password."""

    port: int
    how: How
    host: str = LOOPBACK
    user: str = "clipcast"

    def url(self, database: str = "postgres", role: str | None = None) -> str:
        """What a service gets as DATABASE_URL."""
        return f"postgresql://{role or self.user}@{self.host}:{self.port}/{database}"

    @staticmethod
    def owner(role: str) -> str:
        """The role that owns the tables which `role` works with."""
        return f"{role}_owner"


@dataclass(frozen=True)
class RabbitAddress:
    """RabbitMQ: AMQP, the management API, and Erlang's own two ports."""

    port: int
    admin_port: int
    dist_port: int
    epmd_port: int
    password: str
    how: How
    host: str = LOOPBACK
    user: str = "clipcast"

    def url(self, vhost: str = "%2F", user: str | None = None) -> str:
        """The administrator's, or what a service gets as RABBITMQ_URL; the heartbeat finds a
        frozen peer in 26 s."""
        login = f"{user or self.user}:{self._derived(user) if user else self.password}"
        return f"amqp://{login}@{self.host}:{self.port}/{vhost}?heartbeat=10"

    def _derived(self, user: str) -> str:
        """A user's password, which so needs no keeping."""
        return hmac.digest(self.password.encode(), user.encode(), sha256).hex()

    @property
    def admin_url(self) -> str:
        """The management API and its pages."""
        return f"http://{self.host}:{self.admin_port}"


@dataclass(frozen=True)
class RedisAddress:
    """Redis, with enough numbered databases for many stacks."""

    port: int
    how: How
    host: str = LOOPBACK

    def url(self, db: int = 0) -> str:
        """What a service gets as REDIS_URL."""
        return f"redis://{self.host}:{self.port}/{db}"


A = TypeVar("A", PostgresAddress, RabbitAddress, RedisAddress)


@dataclass(frozen=True)
class Addresses:
    """All three, as kept in servers.json."""

    postgres: PostgresAddress
    rabbitmq: RabbitAddress
    redis: RedisAddress

    @classmethod
    def chosen(cls, how: Mapping[str, How]) -> Self:
        """Choose free ports and a password."""
        pg, amqp, admin, dist, epmd, redis = free_ports(6)
        return cls(
            PostgresAddress(pg, how["postgres"]),
            RabbitAddress(amqp, admin, dist, epmd, secrets.token_hex(16), how["rabbitmq"]),
            RedisAddress(redis, how["redis"]),
        )

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read what an earlier start chose."""
        if not path.exists():
            return None
        kept = json.loads(path.read_text())
        return cls(
            PostgresAddress(**_without_urls(kept["postgres"])),
            RabbitAddress(**_without_urls(kept["rabbitmq"])),
            RedisAddress(**_without_urls(kept["redis"])),
        )

    def save(self, path: Path) -> None:
        """Write them with ready-made URLs, readable by the owner alone (a password is inside)."""
        text = asdict(self)
        text["postgres"]["url"] = self.postgres.url()
        text["rabbitmq"] |= {"url": self.rabbitmq.url(), "admin_url": self.rabbitmq.admin_url}
        text["redis"]["url"] = self.redis.url()
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(text, indent=2) + "\n")
        fresh.replace(path)  # readers without the lock see the old file or the new, never half

    def moved(self, busy: set[int]) -> Self:
        """The same with another port for each busy one."""
        return replace(
            self,
            postgres=_moved(self.postgres, busy, "port"),
            rabbitmq=_moved(self.rabbitmq, busy, "port", "admin_port", "dist_port", "epmd_port"),
            redis=_moved(self.redis, busy, "port"),
        )


def _moved(address: A, busy: set[int], *fields: str) -> A:
    ports: dict[str, Any] = {
        name: free_port(busy) for name in fields if getattr(address, name) in busy
    }
    return replace(address, **ports)


def _without_urls(kept: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in kept.items() if not key.endswith("url")}
