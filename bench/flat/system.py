"""What is soaked: the whole system with two workers for VK, whose API is the stub."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.system import Sandbox
from localrun.environment import TREE
from localrun.person import Person
from servers import Servers
from stack import Stack

PLATFORM = "vk"
WORKERS = 2
PEOPLE, EACH = 4, 5
"""Everybody's accounts."""
CALLERS = ("publisher-vk", "publisher-vk-2", "stats-collector-worker")
"""Who calls the stub; the others connect accounts, which the sandbox plays."""
SHORT_MEMORY = TREE / "bench/flat/short_memory"
NONE = "1000000"
SETTINGS = {
    "PACE_VK": NONE,
    "ACCOUNT_PACE_VK": NONE,
    "VK_DAILY_SAVES": "1000000000",
    "BURST_LIMIT": "off",
    "PUBLISH_RATE": f"{NONE}/minute",
    "CONNECT_RATE": "100000/hour",
}


@dataclass(frozen=True)
class Asking:
    """Somebody who publishes."""

    token: str
    key: str
    """Of the clip."""
    connections: Sequence[str]


def short_memory(seconds: float) -> dict[str, str]:
    """Settings with which outbox, inbox and answers are kept for so long."""
    sources = sorted([*TREE.glob("libs/*/src"), *TREE.glob("services/*/src")])
    path = ":".join(str(one) for one in (SHORT_MEMORY, *sources))
    return {"PYTHONPATH": path, "SOAK_KEEP_SECONDS": f"{seconds:g}"}


def system(home: Path, stub_url: str, settings: Mapping[str, str]) -> Stack:
    """Not started yet; `settings` go before those of every such system."""
    return Stack(
        home,
        Servers(),
        settings=SETTINGS | dict(settings),
        publishers=[PLATFORM] * WORKERS,
        own={name: {"VK_API_URL": stub_url} for name in CALLERS},
    )


def people(stack: Stack) -> list[Asking]:
    """They connect their accounts and upload a clip."""
    sandbox, found = Sandbox(stack.urls["sandbox"]), []
    for number in range(PEOPLE):
        token = stack.token(f"soak-{number}-{time.time_ns()}", "business")
        person = Person(stack.urls, token)
        key = person.upload(TREE / "deploy/local/clip.mp4")["key"]
        accounts = [sandbox.account(PLATFORM)["account"] for _ in range(EACH)]
        links = [person.connect_by_consent(PLATFORM, one)["id"] for one in accounts]
        found.append(Asking(token, key, links))
        person.close()
    return found
