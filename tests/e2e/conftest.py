"""The whole system as processes, once a run; each test is a person of its own."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from e2e.shell import Shell
from localrun.environment import TREE
from localrun.person import Person
from servers import Servers
from stack import Stack
from support.otlp import Collector

CLIP = TREE / "deploy/local/clip.mp4"
SETTINGS = {
    "SCHEDULE_MIN_AHEAD": "1s",
    "RETRY_DELAYS": "300ms,600ms,900ms",
    "POLL_FIRST": "200ms",
    "POLL_MAX": "500ms",
    "STATS_FIRST_AFTER": "500ms",
    "STATS_EVERY": "5m",
    "PROCESSING_SECONDS": "1",
    "BUS_RETRY_DELAYS": "200ms,1s",
    "LEASE": "3s",
    "QUARANTINE": "1s",
    "WAKE_AGAIN": "2s",
    "MAY_BE_MISSING": "3s",
    "UPLOAD_TIMEOUT_VK": "5s",
    "UPLOAD_TIMEOUT_TELEGRAM": "5s",
    "DZEN_CALLS_PER_SECOND": "0",
    "PACE_DZEN": "20",
    "ACCOUNT_PACE_DZEN": "20",
    "PACE_VK": "10",
    "PACE_RUTUBE": "10",
    "ACCOUNT_PACE_RUTUBE": "2",
}


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    """Where every process sends its spans."""
    found = Collector()
    with found.listening():
        yield found


@pytest.fixture(scope="package")
def stack(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> Iterator[Stack]:
    system = Stack(
        tmp_path_factory.mktemp("e2e") / "stack",
        servers,
        settings=SETTINGS | collector.environment,
        publishers=("vk,rutube", "dzen,telegram"),
    )
    system.up()
    yield system
    system.remove()


class Sandbox:
    """The platforms' side: what they received, and how they shall misbehave."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=10)

    def account(self, platform: str, **overrides: Any) -> dict[str, Any]:
        """A fresh account."""
        answer = self._client.post("/_accounts", json={"platform": platform, **overrides})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def fail(self, platform: str, step: str, kind: str, times: int = 1) -> None:
        """Order a fault."""
        order = {"platform": platform, "step": step, "kind": kind, "times": times}
        self._client.post("/_faults", json=order).raise_for_status()

    def posts(self, **wanted: Any) -> list[dict[str, Any]]:
        """The ledger's entries with these values that people can see."""
        entries: list[dict[str, Any]] = self._client.get("/_ledger").json()
        return [
            one
            for one in entries
            if one["deleted_at"] is None and all(one[name] == wanted[name] for name in wanted)
        ]

    def calls(self, platform: str, step: str, account: str) -> list[dict[str, Any]]:
        """The journal's entries of one step that one account made."""
        entries: list[dict[str, Any]] = self._client.get(
            "/_journal", params={"platform": platform, "step": step}
        ).json()
        return [one for one in entries if one["account"] == account]

    def calm(self) -> None:
        """No more faults."""
        self._client.delete("/_faults").raise_for_status()

    def expire(self, platform: str, account: str) -> None:
        """Let an account's access token die of age."""
        order = {"platform": platform, "account": account}
        self._client.post("/_tokens/expire", json=order).raise_for_status()


@pytest.fixture
def sandbox(stack: Stack) -> Iterator[Sandbox]:
    found = Sandbox(stack.urls["sandbox"])
    yield found
    found.calm()


@pytest.fixture
def newcomer(stack: Stack) -> Iterator[Callable[..., Person]]:
    """Makes a person whom the system has never seen."""
    made: list[Person] = []

    def make(plan: str = "pro", language: str = "en") -> Person:
        token = stack.token(f"user-{secrets.token_hex(6)}", plan)
        made.append(Person(stack.urls, token, language))
        return made[-1]

    yield make
    for person in made:
        person.close()


@pytest.fixture
def person(newcomer: Callable[..., Person]) -> Person:
    return newcomer()


Connect = Callable[[Person, str], dict[str, Any]]


@pytest.fixture
def connect(sandbox: Sandbox) -> Connect:
    """Connects a fresh account of a platform, as its owner would."""

    def link(person: Person, platform: str) -> dict[str, Any]:
        match platform:
            case "vk":
                return person.connect_by_consent("vk", sandbox.account("vk")["account"])
            case "dzen":
                return person.connect_by_consent("dzen", sandbox.account("dzen")["account"])
            case "rutube":
                return person.connect_by_token("rutube", sandbox.account("rutube")["token"])
            case _:
                bot = sandbox.account("telegram")
                return person.connect_by_token("telegram", bot["token"], channel=bot["channel"])

    return link


Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def ask() -> Ask:
    """Uploads the clip and asks for publications to the given connections."""

    def publish(person: Person, *connections: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        key = person.upload(CLIP)["key"]
        body = {
            "clip_id": secrets.token_hex(6),
            "media": {"key": key},
            "title": f"Clip {secrets.token_hex(4)}",
            "targets": [{"connection_id": one["id"]} for one in connections],
        }
        return person.publish(**body | more)

    return publish


@pytest.fixture
def shell(stack: Stack, sandbox: Sandbox) -> Iterator[Shell]:
    """The `clipcast` command in the hands of somebody new."""
    token = stack.token(f"user-{secrets.token_hex(6)}", "pro")
    person = Person(stack.urls, token)
    env = {"CLIPCAST_UP_FILE": str(stack.home / "up.json"), "CLIPCAST_TOKEN": token}
    yield Shell(env, person, sandbox)
    person.close()
