"""The system under torture: servers and a stack of its own folder, behind four proxies."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from chaos.history import Rate
from chaos.proxy import Proxy
from localrun.environment import TREE
from localrun.plan import EVERY_PLATFORM, planned
from localrun.process import remembered
from localrun.stores import Stores
from servers import Servers
from stack import Stack

LEASE = 4.0
QUARANTINE = 4.0
SERVERS = ("postgres", "rabbitmq", "redis")
BIG = 1_300_000
"""Bytes; more than one piece of an upload."""
PAIRS = ("vk,rutube", "vk,rutube", "dzen,telegram", "dzen,telegram")
"""Two workers for each platform, so that one can take over from the other."""
SETTINGS: Mapping[str, str] = {
    "LEASE": f"{LEASE:g}s",
    "QUARANTINE": f"{QUARANTINE:g}s",
    "MAY_BE_MISSING": "8s",
    "RETRY_DELAYS": "1s,2s,4s,8s",
    "BUS_RETRY_DELAYS": "500ms,2s,5s,15s",
    "WAKE_AGAIN": "3s",
    "HOLD_MAX": "20s",
    "SCHEDULE_MIN_AHEAD": "1s",
    "POLL_FIRST": "300ms",
    "POLL_MAX": "1s",
    "STATS_FIRST_AFTER": "3s",
    "STATS_EVERY": "30s",
    "PROCESSING_SECONDS": "1",
    "UPLOAD_TIMEOUT_VK": "6s",
    "UPLOAD_TIMEOUT_RUTUBE": "20s",
    "UPLOAD_TIMEOUT_DZEN": "6s",
    "UPLOAD_TIMEOUT_TELEGRAM": "6s",
    "PUBLISH_RATE": "100000/minute",
    "BURST_LIMIT": "off",
    "CONNECT_RATE": "100000/hour",
    "JOURNAL_KEEP": "1000000",
    "DZEN_CALLS_PER_SECOND": "3",
    "PACE_VK": "5",
    "PACE_RUTUBE": "5",
    "PACE_DZEN": "5",
    "PACE_TELEGRAM": "2",
    "ACCOUNT_PACE_VK": "1.5",
    "ACCOUNT_PACE_RUTUBE": "1",
    "ACCOUNT_PACE_DZEN": "1.5",
    "ACCOUNT_PACE_TELEGRAM": "20",
}
WORKER = "--platform"
"""The word by which a worker of publisher is known."""
CHAT_A_SECOND = 18 / 60
"""Telegram's pace in one chat is no setting (api.md)."""


def rates(
    settings: Mapping[str, str] = SETTINGS, platforms: Sequence[str] = EVERY_PLATFORM
) -> list[Rate]:
    """The pace that the settings allow on these platforms."""
    found = []
    if "telegram" in platforms:
        found.append(Rate("telegram chat", "telegram", CHAT_A_SECOND, "chat"))
    for platform in platforms:
        everybody = float(settings[f"PACE_{platform.upper()}"])
        account = float(settings[f"ACCOUNT_PACE_{platform.upper()}"])
        found.append(Rate(platform, platform, everybody, "platform"))
        found.append(Rate(f"{platform} account", platform, account, "account"))
    return found


class System:
    """Everything that runs; the harness itself talks to servers and sandbox directly."""

    def __init__(
        self, home: Path, seed: int, *, workers: Sequence[str] = PAIRS, apart: bool = False
    ) -> None:
        """`apart`: each worker of publisher has failpoints of its own."""
        self.home = home
        self._workers = [plan.name for plan in planned(workers) if WORKER in plan.words]
        self.failpoints = home / "failpoints"
        self.servers = Servers(home / "servers")
        self.proxies = {
            name: Proxy(lambda name=name: self._port(name), seed=seed)  # type: ignore[misc] # a default binds the name
            for name in (*SERVERS, "sandbox")
        }
        self.stack = Stack(
            home / "stack",
            self.servers,
            settings={**SETTINGS, "FAILPOINTS": str(self.failpoints)},
            publishers=workers,
            through={name: proxy.port for name, proxy in self.proxies.items()},
            own={
                name: {"FAILPOINTS": str(self.failpoints / name)} for name in self._workers if apart
            },
        )

    async def up(self) -> None:
        """Start it all on nothing: what an earlier run left behind goes first."""
        await asyncio.to_thread(self._clear)
        for name in self._workers:
            (self.failpoints / name).mkdir(parents=True)
        for proxy in self.proxies.values():
            await proxy.start()
        await asyncio.to_thread(self.stack.up)
        self.sandbox = Sandbox(self.stack.urls["sandbox"])
        self.clips = self._clips()

    async def down(self, *, keep: bool) -> None:
        """End it all; `keep` leaves logs and data for whoever looks for a cause."""
        for proxy in self.proxies.values():
            await proxy.stop()
        await asyncio.to_thread(self._end, keep=keep)

    @property
    def amqp(self) -> str:
        """The stack's vhost, past the proxy."""
        return self.servers.addresses.rabbitmq.url(self.stack.stores.name)

    @property
    def databases(self) -> Mapping[str, str]:
        """Each service's database, past the proxy."""
        return Stores(self.servers, self.stack.stores.name).databases

    def token(self, user: str) -> str:
        """A bearer token of a person who may publish everywhere."""
        return self.stack.token(user, "business")

    def platforms(self, process: str) -> frozenset[str]:
        """What a worker of publisher publishes to; nothing for all other processes."""
        words = self.stack.members[process].plan.words
        return frozenset(words[-1].split(",") if WORKER in words else ())

    def _port(self, name: str) -> int:
        if name == "sandbox":
            return int(self.stack.urls[name].rpartition(":")[2])
        port: int = getattr(self.servers.addresses, name).port
        return port

    def _clips(self) -> tuple[Path, Path]:
        """A small clip, and one of several pieces: the same with an empty box behind it."""
        small = TREE / "deploy/local/clip.mp4"
        big = self.home / "big.mp4"
        padding = BIG - small.stat().st_size
        big.write_bytes(
            small.read_bytes() + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8)
        )
        return small, big

    def _clear(self) -> None:
        if self.home.exists():
            self._end(keep=False)
        self.home.mkdir(parents=True)

    def _end(self, *, keep: bool) -> None:
        if (self.home / "stack").exists():
            for record in (self.home / "stack/run").glob("*.json"):
                if process := remembered(record):
                    process.kill()
        for server in self.servers.all if (self.home / "servers/servers.json").exists() else ():
            server.kill()
        if not keep:
            self.servers.wipe()
            shutil.rmtree(self.home, ignore_errors=True)


class Sandbox:
    """The platforms' control plane."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def account(self, platform: str) -> dict[str, Any]:
        """A fresh account."""
        made: dict[str, Any] = self._ask("POST", "/_accounts", json={"platform": platform})
        return made

    def fail(self, platform: str, step: str, kind: str, seconds: float | None) -> None:
        """Order a fault for the next call of that step."""
        order = {"platform": platform, "step": step, "kind": kind, "seconds": seconds}
        self._ask("POST", "/_faults", json=order)

    def faults(self) -> list[dict[str, Any]]:
        """All orders, each with how often it was `done`."""
        found: list[dict[str, Any]] = self._ask("GET", "/_faults")["faults"]
        return found

    def calm(self) -> None:
        """No more faults."""
        self._client.delete("/_faults").raise_for_status()

    def expire(self, platform: str, account: str) -> bool:
        """Let an account's access token die of age; False when it has none."""
        order = {"platform": platform, "account": account}
        return self._client.post("/_tokens/expire", json=order).is_success

    def ledger(self) -> list[dict[str, Any]]:
        """Every post."""
        found: list[dict[str, Any]] = self._ask("GET", "/_ledger")
        return found

    def journal(self, platform: str) -> list[dict[str, Any]]:
        """Every call of a platform."""
        found: list[dict[str, Any]] = self._ask("GET", "/_journal", params={"platform": platform})
        return found

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self._client.request(method, path, **more)
        answer.raise_for_status()
        return answer.json()
