"""A worker dies, or freezes past its lease, at every failpoint of the engine, on every platform.

Real processes, real servers, and the platforms' own ledger as the judge: one post, never two, and
an end that is true. One publication a platform at a time, so each death is exactly where it is
meant to be; `make chaos` does the same at random.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from signal import SIGCONT
from typing import Any

import httpx
import pytest

from common.failpoint import POINTS
from e2e.conftest import CLIP, SETTINGS, Sandbox
from localrun.member import Member
from localrun.person import Person
from localrun.plan import EVERY_PLATFORM
from servers import Servers
from stack import Stack
from support.otlp import Collector, Seen
from support.waiting import wait_for

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
LEASE, QUARANTINE = 2.0, 2.0
RECOVERY = timedelta(seconds=LEASE + QUARANTINE + 5)
"""Counted from when a worker is there again."""
PATIENCE = 40.0
BIG = 2_500_000
"""Bytes: more than two pieces, so that there is a middle to die in."""
CREATING = {
    "vk": ("upload", 2),
    "rutube": ("create", 1),
    "dzen": ("publish", 3),
    "telegram": ("sendVideo", 1),
}
"""The call after which people see the post: its name at the platform, and which step it is."""
CAN_NOT_LOOK, CAN_UNDO, FETCHES = {"telegram"}, {"vk", "dzen"}, {"rutube"}
BEFORE_STEPS = ("claiming", "claimed", "working")
LOST = ("begun", "uploading", "answered", "renewing")
"""Where nobody can know whether a call was made that can't be looked up."""
MOMENTS = (*BEFORE_STEPS, *LOST, "recorded", "looked", "undone")
OF_OTHERS = ("accepted", "cancelled", "started", "calling")
"""Moments of the gateway and the clock: services/publisher/tests/test_failpoints.py."""


@dataclass
class Bench:
    """One platform's worker that dies on order, and another that takes over from a frozen one."""

    platform: str
    worker: Member
    standby: Member
    orders: Path
    person: Person
    connection: dict[str, Any]
    sandbox: Sandbox
    clip: Path

    def reach(self, moment: str, action: str, then: Callable[[], object]) -> datetime:
        """Order what shall happen there, do what leads there, and wait until it did; when."""
        point = f"publisher.{moment}"
        before = len(self._fired(point))
        (self.orders / point).write_text(action)
        then()
        wait_for(lambda: len(self._fired(point)) > before, PATIENCE, f"{self.platform} {moment}")
        return datetime.fromtimestamp(int(self._fired(point)[-1].suffix[1:]) / 1e9, UTC)

    def _fired(self, point: str) -> list[Path]:
        return sorted(self.orders.glob(f"fired/{point}.*"), key=lambda one: int(one.suffix[1:]))

    def go_on(self) -> None:
        """Should it stand at a failpoint."""
        if process := self.worker.process:
            process.send(SIGCONT)

    def raise_again(self) -> datetime:
        """It has died; when it is back."""
        wait_for(lambda: self.worker.process is None, PATIENCE, f"{self.platform} dies")
        self.worker.start()
        self.worker.wait_ready(time.monotonic() + PATIENCE)
        return datetime.now(UTC)

    def ask(self) -> dict[str, Any]:
        key = self.person.upload(self.clip)["key"]
        (accepted,) = self.person.publish(
            clip_id=secrets.token_hex(6),
            media={"key": key},
            title=f"Clip {secrets.token_hex(4)}",
            targets=[{"connection_id": self.connection["id"]}],
        )
        return accepted

    def cancel(self, publication: dict[str, Any]) -> None:
        path = f"/v1/publications/{publication['id']}/cancel"
        assert self.person.ask("publisher", "POST", path)["verdict"] == "cancel_requested"

    def end_of(self, publication: dict[str, Any]) -> str:
        try:
            (ended,) = self.person.watch([publication["id"]], seconds=PATIENCE)
        except TimeoutError as late:
            log = self.worker.log.read_text().splitlines()[-20:]
            raise AssertionError(self.timeline(publication), *log) from late
        return str(ended["status"])

    def timeline(self, publication: dict[str, Any]) -> list[dict[str, Any]]:
        path = f"/v1/publications/{publication['id']}/timeline"
        lines: list[dict[str, Any]] = self.person.ask("publisher", "GET", path)["items"]
        return lines

    def claims_after(self, publication: dict[str, Any], death: datetime) -> list[datetime]:
        """When somebody took it since then."""
        lines = [line for line in self.timeline(publication) if line["kind"] == "claimed"]
        moments = [datetime.fromisoformat(line["at"]) for line in lines]
        return [moment for moment in moments if moment > death]

    def posts(self, publication: dict[str, Any]) -> list[dict[str, Any]]:
        """All that people ever saw of it."""
        answer = httpx.get(f"{self.sandbox.url}/_ledger", trust_env=False, timeout=10)
        ledger: list[dict[str, Any]] = answer.json()
        return [post for post in ledger if post["title"].startswith(publication["title"])]

    def stepped_aside(self, publication: dict[str, Any]) -> bool:
        """Whether the worker noticed that it is not its own any more."""
        lines = self.worker.log.read_text().splitlines()
        return any("lease_lost" in line and publication["id"] in line for line in lines)


@pytest.fixture(scope="module")
def benches(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> Iterator[dict[str, Bench]]:
    """A system with two workers a platform, the second of them at rest."""
    home = tmp_path_factory.mktemp("failpoints")
    system = Stack(
        home / "stack",
        servers,
        settings=SETTINGS
        | collector.environment
        | {
            "LEASE": f"{LEASE:g}s",
            "QUARANTINE": f"{QUARANTINE:g}s",
            "WAKE_AGAIN": "500ms",  # calls that a frozen worker holds are made again
            "ACCOUNT_PACE_VK": "2",
            "MAY_BE_MISSING": "1s",
            "PUBLISH_RATE": "1000/minute",
            "SLOW_SECONDS": f"{2 * LEASE:g}",
        },
        publishers=[one for one in EVERY_PLATFORM for _ in "12"],
        own={
            f"publisher-{one}": {"FAILPOINTS": str(home / "orders" / one)} for one in EVERY_PLATFORM
        },
    )
    for platform in EVERY_PLATFORM:
        (home / "orders" / platform).mkdir(parents=True)
    system.up()
    person = Person(system.urls, system.token(f"user-{secrets.token_hex(6)}"), "en")
    yield {platform: _bench(system, platform, person, home) for platform in EVERY_PLATFORM}
    person.close()
    system.remove()


def _bench(system: Stack, platform: str, person: Person, home: Path) -> Bench:
    sandbox = Sandbox(system.urls["sandbox"])
    account = sandbox.account(platform)
    match platform:
        case "vk" | "dzen":
            connection = person.connect_by_consent(platform, account["account"])
        case "rutube":
            connection = person.connect_by_token(platform, account["token"])
        case _:
            channel = account["channel"]
            connection = person.connect_by_token(platform, account["token"], channel=channel)
    worker, standby = (system.members[f"publisher-{platform}{end}"] for end in ("", "-2"))
    standby.stop()
    orders = home / "orders" / platform
    return Bench(platform, worker, standby, orders, person, connection, sandbox, _big(home))


def _big(home: Path) -> Path:
    """The clip with an empty box behind it."""
    clip, found = CLIP.read_bytes(), home / "big.mp4"
    padding = BIG - len(clip)
    found.write_bytes(clip + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8))
    return found


def reachable(platform: str, moment: str) -> bool:
    match moment:
        case "uploading":
            return platform not in FETCHES
        case "looked":
            return platform not in CAN_NOT_LOOK
        case "undone":
            return platform in CAN_UNDO
    return True


def way_to(platform: str, moment: str) -> list[tuple[str, str]]:
    """What happens before, so that it is the moment around the call that makes the post."""
    if moment in {*BEFORE_STEPS, "uploading", "renewing"}:
        return []
    if moment == "undone":
        return [("answered", "stop")]  # of the step before: the next one begins with its end
    steps = [("recorded", "stop")] * (CREATING[platform][1] - 1)
    return [*steps, ("answered", "kill9")] if moment == "looked" else steps


def hit(bench: Bench, moment: str, action: str) -> tuple[dict[str, Any], datetime, datetime]:
    """A publication whose worker was hit there, when, and when there was a worker again."""
    if moment == "renewing":
        bench.sandbox.fail(bench.platform, CREATING[bench.platform][0], "slow")
    asked: list[dict[str, Any]] = []

    def lead_on() -> None:
        if not asked:
            asked.append(bench.ask())
        elif moment == "undone":
            bench.cancel(asked[0])
        bench.go_on()

    for one, what in [*way_to(bench.platform, moment), (moment, action)]:
        hit_at = bench.reach(one, what, lead_on)
        back_at = bench.raise_again() if what == "kill9" else hit_at
    return asked[0], hit_at, back_at


def expected(platform: str, moment: str) -> str:
    if moment == "undone":
        return "cancelled"
    return "uncertain" if platform in CAN_NOT_LOOK and moment in LOST else "published"


def killed(bench: Bench, moment: str) -> None:
    publication, death, back = hit(bench, moment, "kill9")
    ended = bench.end_of(publication)
    assert ended == expected(bench.platform, moment)
    assert len(bench.posts(publication)) <= 1
    assert ended == "uncertain" or len(bench.posts(publication)) == (ended == "published")
    claims = bench.claims_after(publication, death)
    assert bool(claims) != (bench.platform == "telegram" and moment == "recorded"), claims
    assert all(claim - back < RECOVERY for claim in claims[:1]), (claims, back)


def frozen(bench: Bench, moment: str) -> None:
    publication, *_ = hit(bench, moment, "stop")
    bench.standby.start()
    try:
        ended = bench.end_of(publication)
        before = bench.timeline(publication)
        bench.go_on()
        if moment != "claiming":  # then it never had it
            wait_for(
                lambda: bench.stepped_aside(publication), PATIENCE, f"{bench.platform} steps aside"
            )
    finally:
        bench.go_on()
        bench.standby.stop()
    assert ended == expected(bench.platform, moment)
    assert len(bench.posts(publication)) <= 1
    assert ended == "uncertain" or len(bench.posts(publication)) == (ended == "published")
    assert bench.timeline(publication) == before


def on_every_platform(
    benches: dict[str, Bench], what: Callable[[Bench, str], None], moment: str, *left_out: str
) -> None:
    """All at once: each has its own worker."""
    chosen = [
        bench
        for platform, bench in benches.items()
        if reachable(platform, moment) and platform not in left_out
    ]
    for bench in chosen:
        bench.go_on()
        bench.worker.start()
        bench.worker.wait_ready(time.monotonic() + PATIENCE)
    with ThreadPoolExecutor(len(chosen)) as pool:
        working = [pool.submit(what, bench, moment) for bench in chosen]
        errors = [one.exception() for one in working]
    faults = {bench.platform: error for bench, error in zip(chosen, errors, strict=True) if error}
    assert not faults, faults


def test_every_moment_of_publisher_is_tried() -> None:
    assert {f"publisher.{one}" for one in (*MOMENTS, *OF_OTHERS)} == {
        point for point in POINTS if point.startswith("publisher.")
    }


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_that_dies_there_leaves_one_post_and_a_true_end(
    benches: dict[str, Bench], moment: str
) -> None:
    on_every_platform(benches, killed, moment)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_that_freezes_there_past_its_lease_posts_and_writes_nothing_more(
    benches: dict[str, Bench], moment: str
) -> None:
    ended_already = ("telegram",) if moment == "recorded" else ()
    on_every_platform(benches, frozen, moment, *ended_already)


def test_who_takes_over_from_a_dead_worker_goes_on_in_its_trace(
    benches: dict[str, Bench], collector: Collector
) -> None:
    bench = benches["vk"]
    publication, *_ = hit(bench, "answered", "kill9")
    assert bench.end_of(publication) == "published"
    timeline = bench.timeline(publication)
    trace, fence = timeline[0]["trace_id"], sum(line["kind"] == "claimed" for line in timeline)

    def last_claim() -> list[Seen]:
        claims = [one for one in collector.spans(trace) if one.name == "claim vk"]
        return [one for one in claims if one.attributes["clipcast.fence"] == fence]

    (taken_over,) = wait_for(last_claim, PATIENCE)
    assert fence > 1
    # The dead worker may have told nothing: what it began has a name that needs no telling.
    before = sha256(f"{publication['id']}/{fence - 1}".encode()).hexdigest()[:16]
    assert (trace, before) in taken_over.links
