"""The whole system as processes, every secret of it marked; one for all tests of this folder."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from conformance.sandbox_process import Sandbox
from localrun.at_once import at_once
from localrun.credentials import Credentials, write_private
from localrun.person import Person
from security.system.wire import Wire
from servers import Servers
from stack import Stack
from support.otlp import Collector

QUICK = {
    "SCHEDULE_MIN_AHEAD": "1s",
    "RETRY_DELAYS": "100ms,200ms",
    "POLL_FIRST": "200ms",
    "POLL_MAX": "500ms",
    "STATS_FIRST_AFTER": "500ms",
    "STATS_EVERY": "1m",
    "PROCESSING_SECONDS": "1",
    "BUS_RETRY_DELAYS": "100ms",
    "LEASE": "5s",
    "QUARANTINE": "500ms",
    "MAY_BE_MISSING": "3s",
    "DZEN_CALLS_PER_SECOND": "0",
    "CONNECT_RATE": "100000/hour",
    "PUBLISH_RATE": "100000/minute",
} | {
    f"{kind}_{platform}": "50"
    for platform in ("VK", "RUTUBE", "DZEN", "TELEGRAM")
    for kind in ("PACE", "ACCOUNT_PACE")
}


@dataclass
class System:
    """The running system, and whatever it said to anybody."""

    mark: str
    stack: Stack
    sandbox: Sandbox
    wire: Wire
    sink: Collector
    answers: list[httpx.Response] = field(default_factory=list)

    def person(self, plan: str = "pro", user: str | None = None, **claims: Any) -> Person:
        """Somebody new, unless named; the answers that they get are kept."""
        token = self.stack.token(user or f"user-{secrets.token_hex(6)}", plan, **claims)
        person = Person(self.stack.urls, token, "en")
        for client in (person._api, person.browser):
            client.event_hooks["response"].append(self._keep)
        return person

    def _keep(self, answer: httpx.Response) -> None:
        """What our own services answered; the platforms may say to people what they like."""
        sandboxes = {self.wire.port, urlsplit(self.sandbox.url).port}
        if answer.request.url.port not in sandboxes:
            answer.read()
            self.answers.append(answer)


def marked(mark: str) -> Credentials:
    """All the system's own secrets, each holding the mark."""

    def mark_one(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: mark_one(inner) for name, inner in value.items()}
        return mark + str(value)[len(mark) :]

    made = Credentials()
    return Credentials(**{one.name: mark_one(getattr(made, one.name)) for one in fields(made)})


@pytest.fixture(scope="package")
def system(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    mark = secrets.token_hex(6)
    home: Path = tmp_path_factory.mktemp("security") / "stack"
    home.mkdir()
    write_private(home / "secrets.json", vars(marked(mark)))
    sink = Collector()
    wire = Wire(lambda: urlsplit(stack.urls["sandbox"]).port or 0)
    stack = Stack(
        home,
        servers,
        settings=QUICK | sink.environment | {"SECRETS_MARK": mark},
        publishers=("vk,rutube", "dzen,telegram"),
        through={"sandbox": wire.port},
    )
    with wire.listening(), sink.listening():
        try:
            stack.up()
            yield System(mark, stack, Sandbox(stack.urls["sandbox"]), wire, sink)
        finally:
            at_once(*(member.kill for member in stack.members.values()))  # nobody waits for them
            stack.remove()
