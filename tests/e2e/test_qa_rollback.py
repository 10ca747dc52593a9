"""An older build, put back the hard way with work in flight, brings everything to a good end.

Migrations only add, so what is older works on the newer database.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from e2e.conftest import Ask, Connect, Sandbox
from localrun.person import Person
from localrun.plan import SANDBOX, SERVICES
from stack import Stack
from support.builds import Build, NoOlderBuild, before_newest_migration, revisions

PATIENCE = 60.0
pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(300),  # with the start of the stack on a busy machine
]
PLATFORMS = ("vk", "rutube", "dzen", "telegram")
REFUSALS = (
    ("vk", "video.save", "error_503"),
    ("rutube", "create", "rate_limited_told"),
    ("dzen", "draft", "error_503"),
)
"""None of them leaves a doubt: on Rutube that takes an older build ten minutes."""


@pytest.fixture
def linked(person: Person, connect: Connect) -> list[dict[str, Any]]:
    """One account on each platform."""
    return [connect(person, platform) for platform in PLATFORMS]


@pytest.fixture
def in_flight(
    person: Person, linked: list[dict[str, Any]], ask: Ask, sandbox: Sandbox
) -> list[dict[str, Any]]:
    """Publications on all four platforms: scheduled, processing, waiting to try again, and at an
    upload whose answer takes long."""
    *others, _telegram = linked
    later = ask(person, *linked, schedule_at=_soon(8))
    processing = ask(person, *others)
    person.watch(
        [one["id"] for one in processing], seconds=PATIENCE, until=lambda one: one["attempt"] > 0
    )
    for platform, step, kind in REFUSALS:
        sandbox.fail(platform, step, kind)
    sandbox.fail("telegram", "sendVideo", "rate_limited", times=2)
    for platform in ("vk", "dzen"):
        sandbox.fail(platform, "upload", "slow", times=2)
    waiting = ask(person, *linked)
    person.watch([waiting[0]["id"]], seconds=PATIENCE, until=_on_its_way)
    sandbox.calm()
    return [*later, *processing, *waiting]


def _on_its_way(one: dict[str, Any]) -> bool:
    """At its upload, or on a busy machine seen later than that."""
    return one["status"] != "publishing" or one["stage"]["name"] in {"uploading", "processing"}


def _end_well(person: Person, sandbox: Sandbox, accepted: list[dict[str, Any]]) -> None:
    """A message to Telegram that was cut off can't be looked up: a person decides, and it was
    posted once at most."""
    for one in person.watch([one["id"] for one in accepted], seconds=PATIENCE):
        posts = len(sandbox.posts(platform=one["platform"], title=one["title"]))
        if one["platform"] == "telegram" and one["status"] == "uncertain":
            assert posts <= 1, one
        else:
            assert (one["status"], one["error"], posts) == ("published", None, 1), one


def test_the_newest_migration_can_be_undone_and_done_with_work_in_flight(
    person: Person, in_flight: list[dict[str, Any]], sandbox: Sandbox, stack: Stack
) -> None:
    """Everything but the platforms is ended at once."""
    ours = [name for name in stack.members if name != SANDBOX]
    for name in ours:
        stack.kill(name)
    publisher = stack.members["publisher-http"]
    env = publisher.tasks("migrate").env
    _run(env, "migrate", "--down", revisions()[-2])
    _run(env, "migrate")
    for name in ours:
        stack.members[name].start()
    for name in ours:
        stack.start(name)
    _end_well(person, sandbox, in_flight)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The tree as it was before the newest migration was added."""
    try:
        return before_newest_migration(tmp_path_factory.mktemp("older"))
    except NoOlderBuild as why:
        pytest.skip(str(why))


@pytest.fixture
def publishers(stack: Stack) -> Iterator[list[str]]:
    """All of publisher's processes; those of this build run again afterwards."""
    names = [name for name in stack.members if name.startswith("publisher")]
    yield names
    _replace(stack, names, Build())


def test_an_older_build_works_on_the_newer_database(
    person: Person,
    in_flight: list[dict[str, Any]],
    linked: list[dict[str, Any]],
    ask: Ask,
    sandbox: Sandbox,
    stack: Stack,
    older: Build,
    publishers: list[str],
) -> None:
    """It goes on with what the newer one began, and the newer one with what it began."""
    _replace(stack, publishers, older)
    began = ask(person, *linked, schedule_at=_soon(2))
    _end_well(person, sandbox, [*in_flight, *began])
    left = ask(person, *linked[:-1]) + ask(person, *linked, schedule_at=_soon(3))
    _replace(stack, publishers, Build())
    _end_well(person, sandbox, left)


def _soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _replace(stack: Stack, names: list[str], build: Build) -> None:
    """Kill these processes and start them from the sources of a build."""
    for name in names:
        stack.kill(name)
    asyncio.run(_ten_minutes_pass(stack))
    for name in names:
        build.start(stack.members[name])
    for name in names:
        stack.members[name].wait_ready(time.monotonic() + PATIENCE)


async def _ten_minutes_pass(stack: Stack) -> None:
    """As long as an older build thinks that Rutube may not show what it has taken."""
    database = await asyncpg.connect(stack.stores.databases["publisher"])
    await database.execute("UPDATE publications SET begun_at = begun_at - interval '10 minutes'")
    await database.close()


def _run(env: Mapping[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", SERVICES["publisher"], *words], env=env, check=True)
