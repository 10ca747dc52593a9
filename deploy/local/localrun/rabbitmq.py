"""A private RabbitMQ: own cookie, own epmd, own ports; administered through its HTTP API."""

import http.client
import json
import os
import time
from base64 import b64encode
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from localrun.addresses import RabbitAddress
from localrun.binaries import EPMD, RABBITMQ
from localrun.body import Command
from localrun.docker import Image
from localrun.ports import answers
from localrun.process import remembered, spawn
from localrun.server import Server

CONSUMER_TIMEOUT_MS = 7_200_000  # uploads may outlast the 30 min default; only global works

TIMEOUT_ARGUMENT = f"-rabbit consumer_timeout {CONSUMER_TIMEOUT_MS}"


class RabbitMQ(Server):
    """One node with the management API, which makes a vhost in a tenth of rabbitmqctl's time."""

    name: ClassVar[str] = "rabbitmq"

    def __init__(self, home: Path, address: RabbitAddress) -> None:
        self.address = address
        super().__init__(home, address.how)
        self._epmd = self.home / "epmd.json"

    @property
    def ports(self) -> tuple[int, ...]:
        address = self.address
        own = (address.port, address.admin_port, address.dist_port)
        return own if remembered(self._epmd) else (*own, address.epmd_port)

    def launch(self) -> Command:
        (self.home / "rabbitmq.conf").write_text(self._conf())
        (self.home / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (self.home / "env.conf").write_text("")  # instead of /etc/rabbitmq/rabbitmq-env.conf
        self._start_epmd()
        # Input "allowed" makes the script exec the node: the pid we keep is the node's own.
        return Command((RABBITMQ.find(), "-noinput"), self.home, self.env())

    def image(self) -> Image:
        address = self.address
        env = {
            "RABBITMQ_DEFAULT_USER": address.user,
            "RABBITMQ_DEFAULT_PASS": address.password,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": TIMEOUT_ARGUMENT,
        }
        return Image("rabbitmq:4-management", {5672: address.port, 15672: address.admin_port}, env)

    def ready(self) -> bool:
        if not answers(self.address.port):
            return False
        try:
            return self.api("GET", "/api/overview")[0] == http.client.OK
        except OSError:
            return False

    def stop(self) -> None:
        super().stop()
        self._stop_epmd()

    def wipe(self) -> None:
        super().wipe()
        self._stop_epmd()

    def create_vhost(self, name: str) -> str:
        """Create a vhost unless it exists; its URL."""
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self._changed("PUT", f"/api/vhosts/{quote(name, safe='')}", {})
        rights = f"/api/permissions/{quote(name, safe='')}/{self.address.user}"
        self._changed("PUT", rights, everything)
        return self.address.url(quote(name, safe=""))

    def delete_vhost(self, name: str) -> None:
        """Delete a vhost with all its queues; cut off whoever is connected."""
        status, answer = self.api("DELETE", f"/api/vhosts/{quote(name, safe='')}")
        if status not in {http.client.NO_CONTENT, http.client.NOT_FOUND}:
            raise RuntimeError(f"RabbitMQ kept vhost {name}: {status} {answer}")

    def delete_user(self, name: str) -> None:
        """Delete a user, if there is one; cut off whoever is connected as such."""
        status, answer = self.api("DELETE", f"/api/users/{quote(name, safe='')}")
        if status not in {http.client.NO_CONTENT, http.client.NOT_FOUND}:
            raise RuntimeError(f"RabbitMQ kept user {name}: {status} {answer}")

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Call the management API; status and decoded answer. Raises OSError when it is down."""
        login = b64encode(f"{self.address.user}:{self.address.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        link = http.client.HTTPConnection(self.address.host, self.address.admin_port, timeout=30)
        try:
            link.request(method, path, None if body is None else json.dumps(body), headers)
            answer = link.getresponse()
            text = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"RabbitMQ's management API: {error!r}") from error
        finally:
            link.close()
        return answer.status, json.loads(text) if text else None

    def env(self) -> dict[str, str]:
        """What the node and rabbitmqctl need to find only this folder and these ports."""
        address, home = self.address, self.home
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),  # the cookie
            "LC_ALL": "C.UTF-8",
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_NODENAME": "clipcast@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": address.host,
            "RABBITMQ_NODE_PORT": str(address.port),
            "RABBITMQ_DIST_PORT": str(address.dist_port),
            "RABBITMQ_CTL_DIST_PORT_MIN": str(address.dist_port + 1),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(address.dist_port + 50),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(address.epmd_port),
            "ERL_EPMD_ADDRESS": address.host,
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_LOGS": "-",
        }

    def _conf(self) -> str:
        address = self.address
        return "\n".join(
            (
                f"listeners.tcp.1 = {address.host}:{address.port}",
                f"management.tcp.ip = {address.host}",
                f"management.tcp.port = {address.admin_port}",
                f"default_user = {address.user}",
                f"default_pass = {address.password}",
                f"consumer_timeout = {CONSUMER_TIMEOUT_MS}",
                "log.console.level = warning",
                "",
            )
        )

    def _start_epmd(self) -> None:
        """Erlang would start one by itself, but then its pid would not be known."""
        if remembered(self._epmd):
            return
        argv = (EPMD.find(), "-address", self.address.host, "-port", str(self.address.epmd_port))
        spawn(argv, env=self.env(), cwd=self.home, log=self.home / "epmd.log").save(self._epmd)
        while remembered(self._epmd) and not answers(self.address.epmd_port):
            time.sleep(0.01)

    def _stop_epmd(self) -> None:
        if epmd := remembered(self._epmd):
            epmd.kill()

    def _changed(self, method: str, path: str, body: dict[str, Any]) -> None:
        status, answer = self.api(method, path, body)
        if status not in {http.client.CREATED, http.client.NO_CONTENT}:
            raise RuntimeError(f"RabbitMQ refused {method} {path}: {status} {answer}")
