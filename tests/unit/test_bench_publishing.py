"""The bench against other systems: fair to them, and its arithmetic."""

import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import Request, urlopen

import pytest
from bench import publishing
from bench.measuring import peers_installed
from bench.measuring.comparison import Comparison, against, summary, table
from bench.measuring.goal import Aim, Goal
from bench.measuring.peer_sides import KINDS
from bench.measuring.side import Round, measured
from bench.measuring.stub import Stub, stub_platform
from bench.peers import given
from pydantic import SecretStr

from common.contracts.words import Platform
from common.http.internal import InternalClient
from common.http.lending import VaultTokens
from common.ids import new_id
from localrun.process import Process, spawn
from platforms.port import Job, Next, Published
from platforms.registry import adapters
from platforms.settings import PlatformUrls

CPU = {"stub": 0.1, "postgres": 1.0, "rabbitmq": 0.5, "redis": 0.5, "others": 0.2}
SPEED = Comparison(
    Aim("publishing", "speed", "x", Goal(2.0, 1.0, at_least=True)), "per_second", "peer", 0
)
COST = Comparison(Aim("publishing", "cost", "x", Goal(0.65, 1.0)), "cpu_per_1000", "peer", 0)


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with stub_platform(tmp_path) as found:
        yield found


def _round(side: str, seconds: float, cpu: float = 2.0, delay: int = 0) -> Round:
    return Round(side, delay, 100, seconds, {"side": cpu, **CPU})


def test_ours_is_held_against_a_peer_by_the_medians_and_by_neighbouring_rounds() -> None:
    rounds = [_round("ours", 1), _round("peer", 2), _round("ours", 4), _round("peer", 4)]
    rounds += [_round("ours", 2), _round("peer", 10), _round("ours", 1, delay=20)]
    found = against(rounds, "ours", SPEED)
    assert found is not None
    assert found["figure"] == {"median": 2.0, "min": 1.0, "max": 5.0}
    assert found["reached"] == "goal"


@pytest.mark.parametrize(("cpu", "reached"), [(1.2, "goal"), (1.9, "first step"), (2.1, "missed")])
def test_of_cpu_less_is_better(cpu: float, reached: str) -> None:
    found = against([_round("ours", 1, cpu), _round("peer", 1)], "ours", COST)
    assert found is not None
    assert found["reached"] == reached


def test_a_peer_that_is_not_there_has_no_ratio() -> None:
    told = publishing.told([_round("clipcast", 1)], {"bullmq": "node or npm is missing"}, 1.0)
    assert (told["goals"], told["skipped"]) == ([], {"bullmq": "node or npm is missing"})


def test_servers_are_told_apart_from_the_side() -> None:
    told = summary([_round("ours", 1), _round("ours", 2)], "ours", 0)
    assert told["cpu_per_1000"]["median"] == 20
    assert told["servers_cpu_per_1000"]["median"] == 20
    assert told["stub_cpu_per_1000"]["median"] == 1
    assert told["per_second"] == {"median": 75, "min": 50, "max": 100}


def test_the_table_shows_each_side_with_and_without_a_delay() -> None:
    rounds = [_round(side, 1, delay=delay) for side in ("clipcast", "celery") for delay in (0, 20)]
    shown = [line.split()[:3] for line in table(publishing.told(rounds, {}, 1.0)).splitlines()[1:]]
    assert shown[0] == ["clipcast", "0", "100.0"]
    assert len(shown) == 4


def test_every_side_says_what_it_does_not_do() -> None:
    sides = publishing.told([], {}, 1.0)["sides"]
    assert set(sides) == {"clipcast", *(kind.name for kind in KINDS)}
    assert all(one["how"] and one["does_not"] for one in sides.values())


def _statement(text: str) -> str:
    return " ".join(text.split())


def test_the_peer_on_node_has_the_statements_of_the_others() -> None:
    script = (peers_installed.PEERS / "bullmq.mjs").read_text()
    found = re.findall(r'const (READ|STEP|DONE) =\s*["`]([^"`]+)["`];', script)
    ours = {"READ": given.READ, "STEP": given.STEP, "DONE": given.DONE}
    assert {name: _statement(text) for name, text in found} == {
        name: _statement(text) for name, text in ours.items()
    }
    assert f"const AT_ONCE = {given.AT_ONCE};" in script
    assert f"const ROWS = {given.ROWS};" in script


def test_what_peers_run_on_is_locked_by_hash() -> None:
    lock = peers_installed.PYTHON_LOCK.read_text()
    pins = re.findall(
        r"^([a-z0-9-]+)==\S+ .*\\\n    --hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE
    )
    assert len(pins) == len(re.findall(r"^\S", lock, re.MULTILINE)) > 30
    assert "://" not in lock
    packages = json.loads(peers_installed.NODE_LOCK.read_text())["packages"]
    assert all(one.get("integrity") for name, one in packages.items() if name)
    assert not any("resolved" in one for one in packages.values())


class Clip:
    """1 KiB."""

    name, size, sha256, duration, width, height = "clip.mp4", 1024, None, 1.0, 2, 2

    async def stream(self) -> Any:
        yield bytes(self.size)


@pytest.mark.anyio
async def test_the_stub_is_all_that_our_adapter_and_our_vault_need(stub: Stub) -> None:
    vault = InternalClient(stub.url, caller="publisher", callee="oauth-gateway", secret="s" * 32)
    token = await VaultTokens(vault).lease(new_id())
    await vault.aclose()
    assert token.value.get_secret_value()
    plugged = adapters(PlatformUrls(vk_api_url=stub.url))
    steps_of = plugged[Platform.VK].publishing
    cursor, outcomes = steps_of.cursor(), []
    for step in steps_of.steps():
        outcomes.append(await step.act(_job(cursor, token.value)))
        cursor = getattr(outcomes[-1], "cursor", cursor)
    await plugged.aclose()
    assert [type(one) for one in outcomes] == [Next, Next, Published]
    assert stub.shown() == 1


def _job(cursor: Any, token: SecretStr) -> Job[Any]:
    async def progress(sent: int) -> None:
        del sent

    now = datetime.now(UTC)
    return Job(
        new_id(), "100", "Title", "Text", {}, now, now, Clip(), token, cursor, progress, lambda: now
    )


class Sleeping:
    """A side whose jobs are done as soon as it may go on."""

    name = "sleeping"

    def __init__(self, stub: Stub, process: Process) -> None:
        self._stub = stub
        self.processes = [process]
        self.stood_still = False
        self.looks = 0

    def put(self, jobs: int) -> None:
        stat = Path(f"/proc/{self.processes[0].pid}/stat")
        deadline = time.monotonic() + 5  # the signal may take effect a moment later
        while not self.stood_still and time.monotonic() < deadline:
            self.stood_still = stat.read_text().rpartition(")")[2].split()[0] == "T"
        for _ in range(jobs):
            urlopen(Request(f"{self._stub.url}/method/video.get", data=b"")).read()  # noqa: S310

    def ended(self) -> tuple[int, float]:
        return 3, time.time()

    def settled(self) -> bool:
        self.looks += 1
        return self.looks > 1


def test_a_side_stands_still_until_all_its_work_lies_there(stub: Stub, tmp_path: Path) -> None:
    words = (sys.executable, "-c", "import time; time.sleep(60)")
    process = spawn(words, env={}, cwd=tmp_path, log=tmp_path / "log")
    side = Sleeping(stub, process)
    try:
        found = measured(side, stub, SimpleNamespace(all=()), 3, 0)
        assert process.alive
    finally:
        process.kill()
    assert side.stood_still
    assert side.looks == 2, "its CPU counts until it has settled"
    assert (found.side, found.jobs) == ("sleeping", 3)
