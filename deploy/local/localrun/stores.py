"""A stack's own share of the private servers: databases, a vhost, a Redis number."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from localrun.at_once import at_once
from localrun.plan import SERVICES
from servers import Servers


@dataclass(frozen=True)
class Stores:
    """The share of the stack called `name`."""

    servers: Servers
    name: str
    through: Mapping[str, int] = field(default_factory=dict)
    """Ports under which the services reach a server instead of its own, by the server's name."""

    @property
    def databases(self) -> dict[str, str]:
        """DATABASE_URL of each service; role and database bear the same name."""
        direct = self.servers.addresses.postgres
        address = replace(direct, port=self.through.get("postgres", direct.port))
        return {
            service: address.url(self._database(package), self._database(package))
            for service, package in SERVICES.items()
        }

    @property
    def rabbitmq(self) -> str:
        """RABBITMQ_URL of all services."""
        direct = self.servers.addresses.rabbitmq
        return replace(direct, port=self.through.get("rabbitmq", direct.port)).url(self.name)

    @property
    def redis(self) -> str:
        """REDIS_URL of all services."""
        direct = self.servers.addresses.redis
        address = replace(direct, port=self.through.get("redis", direct.port))
        return address.url(self.servers.redis.allocate_db(self.name))

    def create(self) -> None:
        """Make what is not there yet."""
        create = self.servers.postgres.create_database
        jobs = [partial(create, name, owner=name) for name in self._databases()]
        at_once(partial(self.servers.rabbitmq.create_vhost, self.name), *jobs)

    def remove(self) -> None:
        """Drop everything this stack ever stored."""
        drop = self.servers.postgres.drop_database
        jobs = [partial(drop, name, owner=name) for name in self._databases()]
        vhost = partial(self.servers.rabbitmq.delete_vhost, self.name)
        at_once(vhost, partial(self.servers.redis.release_db, self.name), *jobs)

    def _databases(self) -> list[str]:
        return [self._database(package) for package in SERVICES.values()]

    def _database(self, package: str) -> str:
        return f"{self.name}_{package}"
