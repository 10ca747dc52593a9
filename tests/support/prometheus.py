"""A real Prometheus for tests: reads our rules, scrapes a running stack, says what it thinks."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any

import httpx
import yaml

from localrun.binaries import PROMETHEUS
from localrun.body import StartError
from localrun.install import provide_program
from localrun.plan import SANDBOX
from localrun.ports import LOOPBACK, free_port
from localrun.process import spawn, tail
from stack import Stack
from support import monitoring
from support.waiting import wait_for

RULES = "clipcast.rules.yml"
EVERY = "1s"
FOR = re.compile(r"^( +for: )\w+", re.MULTILINE)
GRACE = 20.0


class Prometheus:
    """What a running one answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._api = httpx.Client(base_url=f"{url}/api/v1/", trust_env=False, timeout=10)

    def targets(self) -> list[dict[str, Any]]:
        """Whom it scrapes and how that went."""
        found: list[dict[str, Any]] = self._ask("targets")["activeTargets"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule and how its last evaluation went."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def alerts(self, *names: str) -> list[dict[str, Any]]:
        """These alerts, pending or firing."""
        return [one for one in self._ask("alerts")["alerts"] if one["labels"]["alertname"] in names]

    def value(self, query: str) -> float | None:
        """The one number that a query finds now."""
        found = self._ask("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _ask(self, what: str, **query: str) -> Any:
        return self._api.get(what, params=query).raise_for_status().json()["data"]


@contextmanager
def watching(stack: Stack, folder: Path) -> Iterator[Prometheus]:
    """Let one watch every process of a stack until the block ends."""
    program = provide_program(PROMETHEUS)
    (folder / RULES).write_text(sooner((monitoring.PROMETHEUS / RULES).read_text()))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration(stack)))
    address, log = f"{LOOPBACK}:{free_port()}", folder / "prometheus.log"
    words = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": address,
    }
    command = (str(program), *(f"--{name}={value}" for name, value in words.items()))
    running = spawn(command, env={"GOMAXPROCS": "1"}, cwd=folder, log=log)
    found = Prometheus(f"http://{address}")
    try:
        _wait_ready(found.url, lambda: running.alive, log)
        yield found
    finally:
        found.close()
        running.stop(SIGTERM, GRACE)


def sooner(rules: str) -> str:
    """Our rules as they are, but for how long a condition must hold: no test waits for minutes."""
    return FOR.sub(rf"\g<1>{EVERY}", rules)


def configuration(stack: Stack) -> dict[str, Any]:
    """Our configuration as it is, but for the addresses and the pace; nobody takes the alerts."""
    shipped: dict[str, Any] = yaml.safe_load((monitoring.PROMETHEUS / "prometheus.yml").read_text())
    ports: dict[str, list[str]] = {}
    for member in stack.members.values():
        ports.setdefault(member.plan.service, []).append(f"{LOOPBACK}:{member.port}")
    del ports[SANDBOX]
    jobs = [one["job_name"] for one in shipped["scrape_configs"]]
    return {
        "global": dict.fromkeys(shipped["global"], EVERY),
        "rule_files": shipped["rule_files"],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": ports[job]}]} for job in jobs
        ],
    }


def _wait_ready(url: str, alive: Callable[[], bool], log: Path) -> None:
    def ready() -> bool:
        if not alive():
            raise StartError(f"Prometheus ended while starting. The end of {log}:\n{tail(log)}")
        try:
            return httpx.get(f"{url}/-/ready", trust_env=False).is_success
        except httpx.TransportError:
            return False

    wait_for(ready)
