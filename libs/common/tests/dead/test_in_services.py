"""`python -m <package> dead`, as typed by an operator: in every service, and without a broker."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from localrun.credentials import Credentials
from localrun.environment import environment
from localrun.ports import LOOPBACK
from support.nowhere import places
from support.servers import NewVhost

SERVICES = ("connections", "oauth-gateway", "publisher", "stats-collector")


def _settings(service: str, rabbitmq: str, folder: Path) -> dict[str, str]:
    """All that the service wants; nothing but RabbitMQ is there."""
    return environment(service, places(folder, rabbitmq=rabbitmq), Credentials())


def _run(service: str, settings: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    package = service.replace("-", "_")
    command = [sys.executable, "-m", package, *words]
    return subprocess.run(  # noqa: S603 - our own package
        command, env=settings, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_lists_its_dead_letters(
    service: str, new_vhost: NewVhost, tmp_path: Path
) -> None:
    settings = _settings(service, new_vhost(), tmp_path)
    assert _run(service, settings, "topology").returncode == 0
    listed = _run(service, settings, "dead", "list")
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, "no dead letters\n", "")


def test_a_broker_that_is_away_is_one_line_without_its_password(tmp_path: Path) -> None:
    settings = _settings("publisher", "amqp://someone:canary@127.0.0.1:1/v", tmp_path)
    listed = _run("publisher", settings, "dead", "list", "--json")
    assert (listed.returncode, listed.stdout) == (1, "")
    assert listed.stderr.startswith("RabbitMQ can't be reached (")
    assert len(listed.stderr.splitlines()) == 1
    assert "canary" not in listed.stderr


def test_a_broker_that_does_not_answer_is_one_line_too(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        url = f"amqp://someone:canary@{LOOPBACK}:{silent.getsockname()[1]}/v"
        listed = _run("publisher", _settings("publisher", url, tmp_path), "dead", "list")
    assert (listed.returncode, listed.stdout) == (1, "")
    assert listed.stderr == "RabbitMQ can't be reached (TimeoutError)\n"


def test_a_queue_of_another_service_is_refused(tmp_path: Path) -> None:
    settings = _settings("publisher", "amqp://127.0.0.1:1/", tmp_path)
    refused = _run("publisher", settings, "dead", "list", "--queue", "connections.plans")
    assert refused.returncode == 2
    assert "publisher.stats" in refused.stderr
