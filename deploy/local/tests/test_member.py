"""One supervised process: started, proven ready, tortured, and honest when it fails."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localrun.body import StartError
from localrun.credentials import Credentials
from localrun.environment import environment
from localrun.member import Member
from localrun.plan import SERVICES, Planned, planned
from localrun.ports import LOOPBACK, free_port
from support.nowhere import places


def member(home: Path, *words: str) -> Member:
    for folder in ("run", "logs"):
        (home / folder).mkdir(exist_ok=True)
    port = free_port()
    env = environment("sandbox", places(home, http=f"http://{LOOPBACK}:{port}"), Credentials())
    return Member(Planned("sandbox", "sandbox", ("sandbox", *words)), home, port, env)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Member]:
    one = member(tmp_path, "http")
    one.start()
    one.wait_ready(time.monotonic() + 60)
    yield one
    one.kill()


def test_a_killed_process_starts_again_at_its_address(sandbox: Member) -> None:
    sandbox.kill()
    assert sandbox.process is None
    assert not sandbox.ready()
    sandbox.start()
    sandbox.wait_ready(time.monotonic() + 60)


def test_a_frozen_process_can_be_stopped_in_good_order(sandbox: Member) -> None:
    sandbox.freeze()
    sandbox.stop()
    assert sandbox.process is None


def test_starting_a_running_process_changes_nothing(sandbox: Member) -> None:
    before = sandbox.process
    sandbox.start()
    assert sandbox.process == before


def test_a_process_that_ends_at_once_shows_why(tmp_path: Path) -> None:
    one = member(tmp_path, "httpp")
    one.start()
    with pytest.raises(StartError, match="usage: python -m sandbox http"):
        one.wait_ready(time.monotonic() + 60)


def test_every_process_of_the_system_is_planned_once() -> None:
    names = [plan.name for plan in planned(("vk", "vk", "rutube,dzen"))]
    assert sorted(names) == [
        "connections-http",
        "connections-worker",
        "oauth-gateway-http",
        "oauth-gateway-worker",
        "publisher-clock",
        "publisher-http",
        "publisher-rutube-dzen",
        "publisher-vk",
        "publisher-vk-2",
        "sandbox",
        "stats-collector-http",
        "stats-collector-worker",
    ]


def test_only_the_gateway_is_given_the_key_of_the_tokens(tmp_path: Path) -> None:
    where = places(tmp_path)
    secrets = Credentials()
    key = secrets.platform_token_secret
    holders = {
        service
        for service in (*SERVICES, "sandbox")
        if key in environment(service, where, secrets).values()
    }
    assert holders == {"oauth-gateway"}


def test_a_caller_is_given_no_other_callers_service_token(tmp_path: Path) -> None:
    secrets = Credentials()
    given = environment("publisher", places(tmp_path), secrets)["SERVICE_TOKENS"]
    assert given == f"publisher={secrets.service_tokens['publisher']}"


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    assert Credentials.kept(path) == Credentials.kept(path)
    assert path.stat().st_mode & 0o777 == 0o600
