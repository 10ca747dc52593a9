"""The alerts of spec.md §8 in a real Prometheus: what fails is told, of that platform alone.

It runs our own rule file and configuration. Only the pace differs: it looks every second instead
of every 15, and a condition has to hold for a second instead of minutes.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import aio_pika
import pytest
import yaml

from e2e.conftest import Ask, Connect, Sandbox
from localrun.command import run
from localrun.person import Person
from localrun.plan import SANDBOX
from stack import Stack
from support import monitoring
from support.prometheus import RULES, Prometheus, sooner, watching
from support.waiting import wait_for

PATIENCE = 60.0
FAILING = ("PublicationsFailing", "PublicationsFailingBadly")
WAITING = ("PublicationUncertain", "DeadLetters")
FEW, ENOUGH = 8, 10
"""Of fewer than ten in an hour a rate says nothing. Prometheus adds a little to what it counts over
a short time, so that the ninth could pass for the tenth; the rule tests show that border."""
PLATFORMS = ("vk", "rutube", "dzen")
"""All faults are at steps before anything can be seen, so that none of them leaves a doubt."""


@pytest.fixture(scope="module")
def prometheus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with watching(stack, tmp_path_factory.mktemp("prometheus")) as found:
        yield found


def test_only_the_pace_of_the_rules_differs() -> None:
    ours = (monitoring.PROMETHEUS / RULES).read_text()

    def but_for_the_wait(rules: str) -> list[str]:
        return [line for line in rules.split("\n") if not line.lstrip().startswith("for:")]

    assert but_for_the_wait(sooner(ours)) == but_for_the_wait(ours)
    waits = [
        rule["for"]
        for group in yaml.safe_load(sooner(ours))["groups"]
        for rule in group["rules"]
        if "for" in rule
    ]
    assert set(waits) == {"1s"}
    assert len(waits) == sum("for" in rule for rule in monitoring.RULES)


def test_every_process_is_up_as_its_services_job(prometheus: Prometheus, stack: Stack) -> None:
    def all_up() -> list[dict[str, Any]]:
        found = prometheus.targets()
        return found if all(one["health"] == "up" for one in found) else []

    known = {(one["labels"]["job"], one["labels"]["instance"]) for one in wait_for(all_up)}
    assert known == {
        (member.plan.service, f"127.0.0.1:{member.port}")
        for name, member in stack.members.items()
        if name != SANDBOX
    }


def test_publications_that_the_platform_fails_are_told_and_those_of_users_are_not(
    prometheus: Prometheus,
    newcomer: Callable[..., Person],
    connect: Connect,
    ask: Ask,
    sandbox: Sandbox,
) -> None:
    people = [newcomer() for _ in range(ENOUGH)]
    accounts = [[connect(person, one) for one in PLATFORMS] for person in people]
    wait_for(lambda: prometheus.value('sum(publications_total{platform="vk"})') is not None)
    sandbox.fail("vk", "video.save", "error_503", times=4 * ENOUGH)
    sandbox.fail("dzen", "draft", "not_found", times=ENOUGH // 2)
    sandbox.fail("dzen", "draft", "token_refused", times=2 * ENOUGH)

    ends = _publish(ask, people[:FEW], accounts[:FEW])
    _told(prometheus, FEW)
    assert prometheus.alerts(*FAILING) == []

    ends |= _publish(ask, people[FEW:], accounts[FEW:])
    assert ends == {
        ("vk", "failed", "retries_exhausted"),
        ("rutube", "published", None),
        ("dzen", "failed", "content_refused"),
        ("dzen", "failed", "connection_expired"),
    }
    _told(prometheus, ENOUGH)
    wait_for(lambda: len(_firing(prometheus, *FAILING)) == len(FAILING))
    told = {tuple(sorted(one["labels"].items())) for one in prometheus.alerts(*FAILING)}
    assert told == {
        tuple(sorted({"alertname": name, "platform": "vk", "severity": severity}.items()))
        for name, severity in zip(FAILING, ("warning", "critical"), strict=True)
    }
    assert prometheus.value('platform:publications_success:ratio1h{platform="rutube"}') == 1
    assert prometheus.value('platform:publications_judged:increase1h{platform="dzen"}') == 0


def test_what_waits_for_a_person_is_told_until_somebody_has_seen_to_it(
    prometheus: Prometheus,
    person: Person,
    connect: Connect,
    ask: Ask,
    sandbox: Sandbox,
    stack: Stack,
) -> None:
    """A post that nobody knows of, and a message that nobody can read; counted every 15 seconds."""
    connection = connect(person, "telegram")
    wait_for(lambda: not prometheus.alerts(*WAITING))
    sandbox.fail("telegram", "sendVideo", "drop_after")
    (accepted,) = ask(person, connection)
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert ended["status"] == "uncertain"
    asyncio.run(_poison(stack, "connections.plans"))

    wait_for(lambda: len(_firing(prometheus, *WAITING)) == len(WAITING))
    told = {one["labels"]["alertname"]: one for one in prometheus.alerts(*WAITING)}
    assert told["PublicationUncertain"]["labels"]["platform"] == "telegram"
    assert told["DeadLetters"]["labels"]["queue"] == "connections.plans"
    assert {float(one["value"]) for one in told.values()} == {1}

    path = f"/v1/publications/{accepted['id']}/resolve"
    person.ask("publisher", "POST", path, json={"outcome": "failed"})
    assert run(stack, "connections", ["dead", "drop", "--all"]) == 0
    wait_for(lambda: not prometheus.alerts(*WAITING))


def test_a_process_that_does_not_answer_is_told_until_it_does(
    prometheus: Prometheus, stack: Stack
) -> None:
    name = "stats-collector-http"
    instance = f"127.0.0.1:{stack.members[name].port}"

    def told() -> bool:
        firing = _firing(prometheus, "ProcessDown")
        return any(one["labels"]["instance"] == instance for one in firing)

    wait_for(lambda: not told())
    stack.freeze(name)
    try:
        wait_for(told)
    finally:
        stack.thaw(name)
    wait_for(lambda: not told())


def test_a_clock_that_is_gone_is_told_though_everything_else_answers(
    prometheus: Prometheus, stack: Stack
) -> None:
    """Its series go with it: of a clock that hangs for a minute the rule tests tell."""
    wait_for(lambda: not prometheus.alerts("ClockStopped"))
    stack.freeze("publisher-clock")
    try:
        wait_for(lambda: _firing(prometheus, "ClockStopped"))
    finally:
        stack.thaw("publisher-clock")
    wait_for(lambda: not prometheus.alerts("ClockStopped"))


def test_no_rule_and_no_panel_asks_what_prometheus_can_not_answer(prometheus: Prometheus) -> None:
    def evaluated() -> bool:
        return all(one["health"] != "unknown" for one in prometheus.rules())

    wait_for(evaluated)
    names = [rule.get("alert") or rule["record"] for rule in monitoring.RULES]
    told = [(one["name"], one["health"], one.get("lastError", "")) for one in prometheus.rules()]
    assert sorted(told) == sorted((name, "ok", "") for name in names)
    for group in monitoring.queries().values():
        for query in group:
            prometheus.value(query)  # an error of the query is an error of the answer


async def _poison(stack: Stack, queue: str) -> None:
    """Put something into a queue that is no event."""
    link = await aio_pika.connect(stack.servers.addresses.rabbitmq.url(stack.stores.name))
    async with link:
        channel = await link.channel()
        await channel.default_exchange.publish(aio_pika.Message(b"{"), routing_key=queue)


def _publish(
    ask: Ask, people: list[Person], accounts: list[list[dict[str, Any]]]
) -> set[tuple[str, str, str | None]]:
    """One clip of each person to all accounts; in which ways they ended."""
    accepted = [
        [one["id"] for one in ask(person, *mine)]
        for person, mine in zip(people, accounts, strict=True)
    ]
    return {
        (one["platform"], one["status"], (one["error"] or {}).get("code"))
        for person, ids in zip(people, accepted, strict=True)
        for one in person.watch(ids, seconds=PATIENCE)
    }


def _told(prometheus: Prometheus, count: int) -> None:
    """Wait until Prometheus has counted so many ended publications of each platform, and judged
    those of the one that fails."""
    least = 'min(sum by (platform) (increase(publications_total{platform!="telegram"}[1h])))'
    wait_for(lambda: (prometheus.value(least) or 0) >= count)
    judged = 'platform:publications_judged:increase1h{platform="vk"}'
    wait_for(lambda: (prometheus.value(judged) or 0) >= count)


def _firing(prometheus: Prometheus, *names: str) -> list[dict[str, Any]]:
    return [one for one in prometheus.alerts(*names) if one["state"] == "firing"]
