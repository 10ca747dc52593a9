"""Which processes make the running system: the one list for make up, the demo and the tests."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

SERVICES = {  # name → package
    "connections": "connections",
    "oauth-gateway": "oauth_gateway",
    "publisher": "publisher",
    "stats-collector": "stats_collector",
}
SANDBOX = "sandbox"
USUAL_PORTS = {
    "connections": 8001,
    "oauth-gateway": 8002,
    "publisher": 8003,
    "stats-collector": 8004,
    SANDBOX: 8009,
}
EVERY_PLATFORM = ("vk", "rutube", "dzen", "telegram")


@dataclass(frozen=True)
class Planned:
    """One process: its name here, its service, and what follows `python -m`."""

    name: str
    service: str
    words: tuple[str, ...]

    @property
    def front(self) -> bool:
        """True for the process that answers at the service's URL."""
        return self.words[1] == "http"


def planned(publishers: Sequence[str] = EVERY_PLATFORM) -> tuple[Planned, ...]:
    """All processes. Each of `publishers` is one worker's comma list; twice the same, two of it."""
    fixed = [Planned("sandbox", SANDBOX, ("sandbox", "http"))]
    for service, package in SERVICES.items():
        fixed.append(Planned(f"{service}-http", service, (package, "http")))
        if service == "publisher":
            fixed.append(Planned("publisher-clock", service, (package, "clock")))
        else:
            fixed.append(Planned(f"{service}-worker", service, (package, "worker")))
    seen = Counter[str]()
    for platforms in publishers:
        seen[platforms] += 1
        replica = f"-{seen[platforms]}" if seen[platforms] > 1 else ""
        name = f"publisher-{platforms.replace(',', '-')}{replica}"
        fixed.append(Planned(name, "publisher", ("publisher", "worker", "--platform", platforms)))
    return tuple(fixed)
