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
            service: address.url(self._of(package), self._of(package))
            for service, package in SERVICES.items()
        }

    @property
    def buses(self) -> dict[str, str]:
        """RABBITMQ_URL of each service, with a user of its own."""
        direct = self.servers.addresses.rabbitmq
        address = replace(direct, port=self.through.get("rabbitmq", direct.port))
        return {
            service: address.url(self.name, self._of(package))
            for service, package in SERVICES.items()
        }

    def privileged(self, service: str) -> dict[str, str]:
        """What only `migrate` and `topology` of a service get; no proxy is in their way."""
        role, servers = self._of(SERVICES[service]), self.servers.addresses
        return {
            "DATABASE_OWNER_URL": servers.postgres.url(role, servers.postgres.owner(role)),
            "RABBITMQ_ADMIN_URL": servers.rabbitmq.url(self.name),
            "RABBITMQ_MANAGEMENT_URL": servers.rabbitmq.admin_url,
        }

    @property
    def redis(self) -> str:
        """REDIS_URL of all services."""
        direct = self.servers.addresses.redis
        address = replace(direct, port=self.through.get("redis", direct.port))
        return address.url(self.servers.redis.allocate_db(self.name))

    def create(self) -> None:
        """Make what is not there yet; the users on the broker are made by `topology`."""
        create = self.servers.postgres.create_database
        jobs = [partial(create, name, name) for name in self._names()]
        at_once(partial(self.servers.rabbitmq.create_vhost, self.name), *jobs)

    def remove(self) -> None:
        """Drop everything this stack ever stored."""
        drop, forget = self.servers.postgres.drop_database, self.servers.rabbitmq.delete_user
        jobs = [partial(drop, name, name) for name in self._names()]
        jobs += [partial(forget, name) for name in self._names()]
        vhost = partial(self.servers.rabbitmq.delete_vhost, self.name)
        at_once(vhost, partial(self.servers.redis.release_db, self.name), *jobs)

    def _names(self) -> list[str]:
        return [self._of(package) for package in SERVICES.values()]

    def _of(self, package: str) -> str:
        """A service's database, the role it works as and its user on the broker."""
        return f"{self.name}_{package}"
