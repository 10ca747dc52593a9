"""`doctor` over the whole system as it runs: all is well, and a wrong secret is told."""

import json
import secrets
import subprocess
import sys
from typing import Any

import pytest

from e2e.conftest import Connect
from localrun.command import run
from localrun.environment import TREE
from localrun.person import Person
from localrun.plan import SERVICES
from stack import Stack

OPEN = {"VK's right `video`"}
"""What nobody can know before somebody connects."""
LOOKS = 3
"""On a very busy machine a line may not come in its five seconds; a fault would stay."""


Lines = dict[str, dict[str, Any]]


def doctor(stack: Stack, service: str, *, bad: set[str], **changed: str) -> Lines:
    """Its lines, of which those and no others are `bad`; `changed`: settings other than those of
    the processes."""
    for _ in range(LOOKS):
        code, found = look(stack, service, changed)
        told = {name for name, one in found.items() if one["ok"] is not True} - OPEN
        if told == bad:
            break
    assert told == bad, [found[name] for name in told]
    assert code == (1 if bad else 0)
    return found


def look(stack: Stack, service: str, changed: dict[str, str]) -> tuple[int, Lines]:
    tasks = stack.members[f"{service}-http"].tasks()
    done = subprocess.run(
        [sys.executable, "-m", tasks.package, "doctor", "--json"],
        env={**tasks.env, **changed},
        cwd=TREE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout)
    assert answer["service"] == service
    for name, value in (dict(tasks.env) | changed).items():
        if name.endswith(("_SECRET", "_TOKENS")):
            assert value not in done.stdout + done.stderr
    assert "alembic" not in done.stderr, "nothing but the answer is for whoever asks"
    return done.returncode, {one["name"]: one for one in answer["checks"]}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_of_a_running_system_is_well(stack: Stack, service: str) -> None:
    doctor(stack, service, bad=set())


def test_a_command_of_a_service_runs_with_the_systems_settings(
    stack: Stack, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(stack, "oauth-gateway", ["keys"]) == 0
    assert "sealed  current" in capfd.readouterr().out


def test_a_secret_that_does_not_open_what_is_stored_is_told(
    stack: Stack, person: Person, connect: Connect
) -> None:
    connect(person, "rutube")
    wrong = secrets.token_hex(32)
    found = doctor(stack, "oauth-gateway", bad={"stored secrets"}, PLATFORM_TOKEN_SECRET=wrong)
    assert found["stored secrets"]["detail"] == "PLATFORM_TOKEN_SECRET does not open all of it"


def test_a_service_token_that_oauth_gateway_does_not_know_is_told(stack: Stack) -> None:
    wrong = f"connections={secrets.token_hex(32)}"
    found = doctor(stack, "connections", bad={"oauth-gateway"}, SERVICE_TOKENS=wrong)
    assert found["oauth-gateway"]["detail"] == "answers, and refuses our token"
    assert "SERVICE_TOKENS" in found["oauth-gateway"]["mend"]
