"""Runs the whole system on this machine: every process, on the private servers of servers.py.

python deploy/local/stack.py up|down|logs|token|doctor|run … [--home .local]
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from signal import SIGTERM

from localrun import command
from localrun.at_once import at_once
from localrun.bearer import bearer
from localrun.command import PLAN, USER
from localrun.credentials import Credentials, write_private
from localrun.environment import Places, environment
from localrun.lock import locked
from localrun.member import GRACE, Member
from localrun.plan import EVERY_PLATFORM, SANDBOX, SERVICES, USUAL_PORTS, planned
from localrun.ports import LOOPBACK, free_ports, is_free
from localrun.process import remembered
from localrun.stores import Stores
from localrun.tasks import run_all
from servers import Servers

PATIENCE = 90.0  # seconds until every process must be ready
SOONER = {"STATS_FIRST_AFTER": "10s", "STATS_EVERY": "5m", "CONNECT_RATE": "60/hour"}
"""Whoever tries it out wants to see numbers before an hour has passed, and connects again."""


class Stack:
    """All processes of one folder, which also decides the names of their databases and vhost."""

    def __init__(
        self,
        home: Path,
        servers: Servers,
        *,
        settings: Mapping[str, str] | None = None,
        publishers: Sequence[str] = EVERY_PLATFORM,
        usual_ports: bool = False,
        through: Mapping[str, int] | None = None,
        own: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """`through`: ports of proxies that stand between the services and postgres, rabbitmq,
        redis or the sandbox. `own`: settings of one process alone, by its name."""
        self.home = home.resolve()
        self.servers = servers
        self._through = dict(through or {})
        name = f"stack_{sha256(bytes(self.home)).hexdigest()[:10]}"
        self.stores = Stores(servers, name, self._through)
        self._settings = dict(settings or {})
        self._own = dict(own or {})
        self._plan = planned(publishers)
        self._usual_ports = usual_ports

    @property
    def urls(self) -> dict[str, str]:
        """Where each service answers."""
        return {
            plan.service: f"http://{LOOPBACK}:{self._ports[plan.name]}"
            for plan in self._plan
            if plan.front
        }

    @cached_property
    def credentials(self) -> Credentials:
        """The stack's secrets."""
        return Credentials.kept(self.home / "secrets.json")

    @cached_property
    def members(self) -> dict[str, Member]:
        """Every process by its name."""
        places = Places(
            urls=self.urls,
            sandbox=self._sandbox,
            databases=self.stores.databases,
            rabbitmq=self.stores.buses,
            redis=self.stores.redis,
            media=self.home / "media",
            ledger=self.home / "ledger.jsonl",
        )
        return {
            plan.name: Member(
                plan,
                self.home,
                self._ports[plan.name],
                environment(plan.service, places, self.credentials)
                | self._settings
                | dict(self._own.get(plan.name, {})),
                self.stores.privileged(plan.service) if plan.service in SERVICES else {},
            )
            for plan in self._plan
        }

    @property
    def _sandbox(self) -> str:
        port = self._through.get(SANDBOX)
        return f"http://{LOOPBACK}:{port}" if port else self.urls[SANDBOX]

    def token(self, user: str = USER, plan: str = PLAN, role: str | None = None) -> str:
        """A bearer token for a person of the host product."""
        return bearer(self.credentials.auth_jwt_secret, user, plan, role)

    def up(self) -> None:
        """Start everything unless all of it runs, and wait until it is ready."""
        for folder in ("logs", "run", "media"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        with locked(self.home / "lock"):
            self.servers.up()
            if self._all_ready():
                return
            self._end_all()  # half a stack is started afresh: its ports may be gone
            self._choose_ports()
            try:
                self.stores.create()
                self._prepare()
                for member in self.members.values():
                    member.start()
                self._wait_ready()
            except BaseException:
                self._end_all()
                raise
            self._publish()

    def stop(self) -> None:
        """End every process in good order, those included that another shell started."""
        with locked(self.home / "lock"):
            self._end_all()
            (self.home / "up.json").unlink(missing_ok=True)

    def remove(self) -> None:
        """End it and delete all it ever stored."""
        self.stop()
        if self.servers.running():  # else nothing was ever made, or it goes with the servers
            self.stores.remove()
        shutil.rmtree(self.home)

    def start(self, name: str) -> None:
        """Start one process again and wait until it is ready."""
        self.members[name].start()
        self.members[name].wait_ready(time.monotonic() + PATIENCE)

    def restart(self, name: str) -> None:
        """Stop one process in good order and start it again."""
        self.members[name].stop()
        self.start(name)

    def kill(self, name: str) -> None:
        """End one process without warning (SIGKILL)."""
        self.members[name].kill()

    def freeze(self, name: str) -> None:
        """Make one process hang."""
        self.members[name].freeze()

    def thaw(self, name: str) -> None:
        """Let a frozen process go on."""
        self.members[name].thaw()

    @property
    def _ports(self) -> dict[str, int]:
        ports: dict[str, int] = json.loads((self.home / "ports.json").read_text())
        return ports

    def _choose_ports(self) -> None:
        free = iter(free_ports(len(self._plan)))
        ports = {}
        for plan in self._plan:
            usual = USUAL_PORTS[plan.service]
            wanted = self._usual_ports and plan.front and is_free(usual)
            ports[plan.name] = usual if wanted else next(free)
        (self.home / "ports.json").write_text(json.dumps(ports, indent=2))
        self.__dict__.pop("members", None)  # they knew the former ports

    def _all_ready(self) -> bool:
        if not (self.home / "up.json").exists() or set(self._ports) != {p.name for p in self._plan}:
            return False
        return all(member.process and member.ready() for member in self.members.values())

    def _prepare(self) -> None:
        """Bring every database and the broker to the present shape."""
        run_all([self.members[f"{one}-http"].tasks("migrate", "topology") for one in SERVICES])

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        for member in self.members.values():
            member.wait_ready(deadline)

    def _publish(self) -> None:
        """Tell other shells and programs where everything is (api.md, `make up`)."""
        told = {"urls": self.urls, "token": self.token(), "user": USER}
        write_private(self.home / "up.json", told)

    def _end_all(self) -> None:
        records = (remembered(path) for path in (self.home / "run").glob("*.json"))
        at_once(*(partial(one.stop, SIGTERM, GRACE) for one in records if one))


def of(home: Path) -> Stack:
    """The one that make up starts and the other targets ask."""
    traces = {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}
    return Stack(home, Servers(home / "servers"), settings=SOONER | traces, usual_ports=True)


if __name__ == "__main__":
    sys.exit(command.main(sys.argv[1:], of))
