"""Processes of every kind are replaced one after the other, twice, while publications flow: to an
older build and back, and a migration is undone and done in between."""

import asyncio
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest

from chaos import checker, evidence
from chaos.evidence import Direct
from chaos.history import Accepted, History
from chaos.system import Sandbox as ControlPlane
from chaos.system import rates
from e2e.conftest import SETTINGS, Connect
from e2e.steady import Steady
from localrun.at_once import at_once
from localrun.member import Member
from localrun.person import Person
from localrun.plan import SERVICES
from servers import Servers
from stack import Stack
from support.builds import Build, NoOlderBuild, before_newest_migration, revisions
from support.waiting import eventually

PATIENCE = 60.0
PLATFORMS = ("vk", "telegram")
SHORT = 0.1
"""Seconds of grace for those that are not waited for: SIGKILL comes next."""
PACE = {
    "PACE_TELEGRAM": "5",
    "ACCOUNT_PACE_VK": "1.5",
    "ACCOUNT_PACE_TELEGRAM": "20",
    "PUBLISH_RATE": "1000/minute",
    "LEASE": "10s",
    "UPLOAD_TIMEOUT_VK": "30s",
    "UPLOAD_TIMEOUT_TELEGRAM": "30s",
    "LATENCY_SECONDS": "0.5",  # so that there is always something in flight
    # A service that is away for a few seconds is tried again as often as that takes.
    "RETRY_DELAYS": ",".join(["500ms", "1s", *["2s"] * 20]),
}
PATIENT = {"publisher-vk-telegram": {"LEASE": "60s"}}
"""A message to Telegram that outlives its lease is uncertain: a busy machine is no reason here."""
CUT_SHORT = ({"publisher-vk", "stats-collector-worker"}, {"publisher-clock", "connections-http"})
"""By round. No worker of Telegram's: a message that was cut off is for a person to decide."""
pytestmark = pytest.mark.timeout(600)  # with the start of a stack on a busy machine


@pytest.fixture(scope="module")
def stack(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One of its own: nobody else shall notice. VK has two workers, so that one takes over."""
    system = Stack(
        tmp_path_factory.mktemp("rolling") / "stack",
        servers,
        settings=SETTINGS | PACE,
        publishers=("vk", "vk,telegram"),
        own=PATIENT,
    )
    system.up()
    yield system
    system.remove()


@pytest.fixture
def older(tmp_path: Path) -> Build | None:
    """What is rolled back to; without history nothing but this build."""
    try:
        return before_newest_migration(tmp_path)
    except NoOlderBuild as why:
        warnings.warn(f"this build rolls to itself: {why}", stacklevel=1)
        return None


@pytest.fixture
def linked(person: Person, connect: Connect) -> list[dict[str, Any]]:
    """Two accounts each: one alone can't keep that pace."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(partial(connect, person), PLATFORMS * 2))


def test_rolling_restarts_lose_nothing_and_post_nothing_twice(
    stack: Stack, person: Person, linked: list[dict[str, Any]], older: Build | None
) -> None:
    observed = Direct(stack, ControlPlane(stack.urls["sandbox"]))
    first, second = CUT_SHORT
    load = Steady(person, linked)
    load.start()
    _roll(stack, older or Build(), cut_short=first)
    began = len(load.accepted)
    if older:
        _migrate(stack, "--down", revisions()[-2])
    _migrate(stack)
    _roll(stack, Build(), cut_short=second)
    accepted = load.end()
    assert len(accepted) > began > 0, "publications were to flow in both rounds"
    assert load.unanswered, "a process that answers was to be away"
    left = asyncio.run(_settled(observed))
    assert checker.violations(asyncio.run(_history(observed, accepted, left))) == []
    others = [_told(person, one.id) for one in accepted if not _published(person, one.id)]
    assert not others, "\n\n".join("\n".join(lines) for lines in others)
    assert not any(left.dead.values()), left.dead
    print(f"{len(accepted)} published, longest answer {load.longest:.1f} s")  # noqa: T201


def _published(person: Person, publication: str) -> bool:
    return bool(person.look(publication)["status"] == "published")


def _told(person: Person, publication: str) -> list[str]:
    """What happened to it."""
    path = f"/v1/publications/{publication}/timeline"
    lines = person.ask("publisher", "GET", path)["items"]
    return [" ".join(str(one[name]) for name in ("at", "kind", "step", "detail")) for one in lines]


def _roll(stack: Stack, publisher: Build, *, cut_short: set[str]) -> None:
    """Replace every process of ours; services side by side, those of one one after the other."""
    rows: list[Callable[[], None]] = []
    for service in SERVICES:
        members = [one for one in stack.members.values() if one.plan.service == service]
        build = publisher if service == "publisher" else Build()
        rows.append(partial(_replace, members, build, cut_short))
    at_once(*rows)


def _replace(members: list[Member], build: Build, cut_short: set[str]) -> None:
    for member in members:
        if process := member.process:
            process.stop(SIGTERM, SHORT if member.plan.name in cut_short else PATIENCE)
        build.start(member)
        member.wait_ready(time.monotonic() + PATIENCE)


def _migrate(stack: Stack, *words: str) -> None:
    env = stack.members["publisher-http"].tasks("migrate").env
    command = (sys.executable, "-m", SERVICES["publisher"], "migrate", *words)
    subprocess.run(command, env=env, check=True)


async def _settled(observed: Direct) -> evidence.Waiting:
    """What is left when nothing is on its way any more."""
    found: list[evidence.Waiting] = []

    async def look() -> bool:
        found[:] = [await evidence.waiting(observed)]
        return found[0].nothing and not await evidence.unended(observed)

    await eventually(look, PATIENCE)
    return found[0]


async def _history(observed: Direct, accepted: list[Accepted], left: evidence.Waiting) -> History:
    return History(
        accepted=accepted,
        rows=await evidence.rows(observed),
        timelines=await evidence.timelines(observed),
        posts=evidence.posts(observed),
        calls=evidence.calls(observed, PLATFORMS),
        rates=rates(SETTINGS | PACE, PLATFORMS),
        unsent=left.facts,
        left=left.messages,
    )
