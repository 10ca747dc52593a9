"""The monitoring line of the checklist in spec.md §9: what is asked for is told, and no more."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from connections.bus.subscriptions import SUBSCRIPTIONS as CONNECTIONS
from e2e.conftest import Ask, Connect, Sandbox
from localrun.person import Person
from localrun.plan import SANDBOX
from oauth_gateway.bus.subscriptions import SUBSCRIPTIONS as OAUTH_GATEWAY
from publisher.bus.subscriptions import SUBSCRIPTIONS as PUBLISHER
from stack import Stack
from stats_collector.bus.subscriptions import SUBSCRIPTIONS as STATS_COLLECTOR
from support.labels import CLOSED, Scrape, strange
from support.monitoring import BY_PROMETHEUS, RECORDED, queries
from support.promql import matches, selectors

PATIENCE = 40.0
TELLERS = {
    "connections-worker": CONNECTIONS,
    "oauth-gateway-worker": OAUTH_GATEWAY,
    "publisher-clock": PUBLISHER,
    "stats-collector-worker": STATS_COLLECTOR,
}
"""Who tells the queues of each service."""
SERIES_OF_A_METRIC, SERIES_OF_A_PROCESS = 200, 800


def test_dashboards_and_alerts_exist(
    person: Person, connect: Connect, ask: Ask, stack: Stack
) -> None:
    """Every metric that the rules and the dashboard name is told by the running system."""
    before = _scraped(stack)
    (accepted,) = ask(person, connect(person, "vk"))
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE, until=lambda one: one["stats"])
    assert ended["status"] == "published"
    after = _scraped(stack)

    told = [(name, dict(labels)) for scrape in after.values() for name, labels in scrape]
    for title, group in queries().items():
        for query in group:
            for name, matchers in selectors(query):
                if name not in RECORDED | BY_PROMETHEUS:
                    found = [series for one, series in told if one == name]
                    assert any(matches(series, matchers) for series in found), (title, name)

    def rise(process: str, metric: str, **labels: str) -> float:
        sample = (metric, frozenset(labels.items()))
        return after[process].get(sample, 0) - before[process].get(sample, 0)

    worker = "publisher-vk-rutube"
    assert rise(worker, "publications_total", platform="vk", result="published") >= 1
    assert rise(worker, "publication_seconds_count", platform="vk") >= 1
    assert rise(worker, "messages_total", queue="publisher.publish.vk", result="done") >= 1
    assert rise("stats-collector-worker", "stats_samples_total", platform="vk", result="ok") >= 1


def test_every_queue_is_told_by_one_process_of_its_service(stack: Stack) -> None:
    """The numbers are 15 seconds old at most: the last process may just have started."""
    for process, subscriptions in TELLERS.items():
        service = stack.members[process].plan.service
        queues = {f"{service}.{one.purpose}" for one in subscriptions}
        states = {(queue, state) for queue in queues for state in CLOSED["state"]}

        def told(process: str = process, queues: set[str] = queues, all_of: Any = states) -> bool:
            scrape = _scrape(stack, process)
            depths = [dict(labels) for name, labels in scrape if name == "queue_depth"]
            consumers = _by_queue(scrape, "queue_consumers")
            return (
                {(one["queue"], one["state"]) for one in depths} == all_of
                and set(consumers) == queues
                and min(consumers.values()) >= 1
            )

        _wait(told)


def test_open_publications_and_the_outbox_are_told_by_who_keeps_them(
    person: Person, connect: Connect, ask: Ask, stack: Stack
) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    ask(person, connect(person, "telegram"), schedule_at=at.isoformat())
    waiting = frozenset({"platform": "telegram", "status": "scheduled"}.items())
    _wait(lambda: _scrape(stack, "publisher-clock").get(("publications_open", waiting), 0) >= 1)
    for process in TELLERS:
        assert _scrape(stack, process)[("outbox_oldest_seconds", frozenset())] < 60


def test_labels_have_a_few_known_values_and_never_an_id(
    person: Person, connect: Connect, ask: Ask, sandbox: Sandbox, stack: Stack
) -> None:
    """After publications that went out, were retried and failed."""
    accounts = [connect(person, platform) for platform in ("vk", "rutube", "dzen", "telegram")]
    sandbox.fail("vk", "video.save", "error_503", times=4)
    accepted = ask(person, *accounts)
    person.watch([one["id"] for one in accepted], seconds=PATIENCE)
    for process, scrape in _scraped(stack).items():
        assert strange(scrape) == [], process
        assert len(scrape) <= SERIES_OF_A_PROCESS, process
        counts = Counter(name for name, _ in scrape)
        assert max(counts.values()) <= SERIES_OF_A_METRIC, counts.most_common(1)


def _scraped(stack: Stack) -> dict[str, Scrape]:
    return {name: _scrape(stack, name) for name in stack.members if name != SANDBOX}


def _scrape(stack: Stack, process: str) -> Scrape:
    url = f"http://127.0.0.1:{stack.members[process].port}/metrics"
    text = httpx.get(url, trust_env=False).raise_for_status().text
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def _by_queue(scrape: Scrape, metric: str) -> dict[str, float]:
    return {dict(key)["queue"]: value for (name, key), value in scrape.items() if name == metric}


def _wait(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.2)
