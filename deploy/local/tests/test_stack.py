"""The whole system, supervised: up, up again, one process lost and back, down from elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from localrun.body import StartError
from localrun.plan import SERVICES
from servers import Servers
from stack import Stack


@pytest.fixture(scope="module")
def stack(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One worker for all platforms: the machine is small."""
    home = tmp_path_factory.mktemp("stack")
    system = Stack(home, servers, publishers=("vk,rutube,dzen,telegram",))
    system.up()
    yield system
    if home.exists():
        system.remove()


def get(url: str, token: str = "") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(url, headers=headers, timeout=10, trust_env=False).status_code


def test_up_tells_other_programs_where_everything_is(stack: Stack) -> None:
    path = stack.home / "up.json"
    told = json.loads(path.read_text())
    assert set(told) == {"urls", "token", "user"}
    services = {"connections", "oauth-gateway", "publisher", "stats-collector", "sandbox"}
    assert set(told["urls"]) == services
    assert all(get(f"{url}/healthz") == 200 for url in told["urls"].values())
    assert get(f"{told['urls']['connections']}/v1/connections", told["token"]) == 200
    assert path.stat().st_mode & 0o777 == 0o600


def test_up_again_keeps_every_process(stack: Stack) -> None:
    before = {name: member.process for name, member in stack.members.items()}
    Stack(stack.home, stack.servers, publishers=("vk,rutube,dzen,telegram",)).up()
    assert {name: member.process for name, member in stack.members.items()} == before


def test_its_services_work_with_few_rights(stack: Stack) -> None:
    servers, name = stack.servers, stack.stores.name
    for package in SERVICES.values():
        role = f"{name}_{package}"
        asked = [
            f"SELECT has_table_privilege('{role}', 'outbox', '{right}')"
            for right in ("INSERT", "TRUNCATE")
        ]
        asked.append("SELECT tableowner FROM pg_tables WHERE tablename = 'outbox'")
        told = servers.postgres.sql(*asked, database=role)
        assert told.splitlines() == ["t", "f", f"{role}_owner"]
        status, rights = servers.rabbitmq.api("GET", f"/api/permissions/{name}/{role}")
        assert (status, rights["configure"]) == (200, "^$")
    for member in stack.members.values():
        if member.plan.service in SERVICES:
            role = f"{name}_{SERVICES[member.plan.service]}"
            for url in ("DATABASE_URL", "RABBITMQ_URL"):
                assert urlsplit(member._env[url]).username == role
        assert not set(member._env) & set(stack.stores.privileged("publisher"))


def test_a_lost_process_is_back_at_its_address(stack: Stack) -> None:
    stack.kill("connections-http")
    assert not stack.members["connections-http"].ready()
    stack.start("connections-http")
    assert get(f"{stack.urls['connections']}/healthz") == 200


def test_a_frozen_worker_says_nothing_until_it_is_thawed(stack: Stack) -> None:
    worker = stack.members["stats-collector-worker"]
    stack.freeze(worker.plan.name)
    assert not worker.ready()
    assert worker.process is not None
    stack.thaw(worker.plan.name)
    stack.restart(worker.plan.name)
    assert worker.ready()


def test_a_stack_with_a_bad_setting_says_which_and_leaves_nothing_running(
    servers: Servers, tmp_path: Path
) -> None:
    broken = Stack(tmp_path / "broken", servers, settings={"RETRY_DELAYS": "soon"})
    with pytest.raises(StartError, match="RETRY_DELAYS"):
        broken.up()
    assert not any(member.process for member in broken.members.values())
    broken.remove()


def test_another_shell_takes_everything_down_and_away(stack: Stack, servers: Servers) -> None:
    processes = [member.process for member in stack.members.values()]
    Stack(stack.home, servers).remove()
    assert not any(process and process.alive for process in processes)
    assert not stack.home.exists()
    name = stack.stores.name
    left = "SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles"
    assert name not in servers.postgres.sql(left)
    assert not [
        one["name"] for one in servers.rabbitmq.api("GET", "/api/users")[1] if name in one["name"]
    ]
    assert servers.rabbitmq.api("GET", f"/api/vhosts/{name}")[0] == 404
