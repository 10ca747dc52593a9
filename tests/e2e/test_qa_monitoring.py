"""The monitoring line of the checklist in spec.md §9: what is asked for is told."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from connections.bus.subscriptions import SUBSCRIPTIONS as CONNECTIONS
from e2e.conftest import Ask, Connect
from localrun.person import Person
from localrun.plan import SANDBOX
from oauth_gateway.bus.subscriptions import SUBSCRIPTIONS as OAUTH_GATEWAY
from publisher.bus.subscriptions import SUBSCRIPTIONS as PUBLISHER
from stack import Stack
from stats_collector.bus.subscriptions import SUBSCRIPTIONS as STATS_COLLECTOR
from support.monitoring import wanted

PATIENCE = 40.0
TELLERS = {
    "connections-worker": CONNECTIONS,
    "oauth-gateway-worker": OAUTH_GATEWAY,
    "publisher-clock": PUBLISHER,
    "stats-collector-worker": STATS_COLLECTOR,
}
"""Who tells the queues of each service."""
Sample = tuple[str, frozenset[tuple[str, str]]]
Scrape = dict[Sample, float]


def test_dashboards_and_alerts_exist(
    person: Person, connect: Connect, ask: Ask, stack: Stack
) -> None:
    """Every metric that the rules and the dashboard name is told by the running system."""
    before = _scraped(stack)
    (accepted,) = ask(person, connect(person, "vk"))
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE, until=lambda one: one["stats"])
    assert ended["status"] == "published"
    after = _scraped(stack)

    assert wanted() <= {name for scrape in after.values() for name, _ in scrape}

    def rise(process: str, metric: str, **labels: str) -> float:
        sample = (metric, frozenset(labels.items()))
        return after[process].get(sample, 0) - before[process].get(sample, 0)

    worker = "publisher-vk-rutube"
    assert rise(worker, "publications_total", platform="vk", result="published") >= 1
    assert rise(worker, "publication_seconds_count", platform="vk") >= 1
    assert rise(worker, "messages_total", queue="publisher.publish.vk", result="done") >= 1
    assert rise("stats-collector-worker", "stats_samples_total", platform="vk", result="ok") >= 1


def test_every_queue_is_told_by_one_process_of_its_service(stack: Stack) -> None:
    for process, subscriptions in TELLERS.items():
        service = stack.members[process].plan.service
        queues = {f"{service}.{one.purpose}" for one in subscriptions}

        def told(process: str = process) -> bool:
            """The numbers are 15 seconds old at most: the last process may just have started."""
            consumers = _by_queue(_scrape(stack, process), "queue_consumers")
            return bool(consumers) and min(consumers.values()) >= 1

        _wait(told)
        scrape = _scrape(stack, process)
        assert set(_by_queue(scrape, "queue_consumers")) == queues
        dead = {f"{queue}.dead" for queue in queues}
        assert set(_by_queue(scrape, "queue_depth")) == queues | dead


def test_open_publications_and_the_outbox_are_told_by_who_keeps_them(
    person: Person, connect: Connect, ask: Ask, stack: Stack
) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    ask(person, connect(person, "telegram"), schedule_at=at.isoformat())
    waiting = frozenset({"platform": "telegram", "status": "scheduled"}.items())
    _wait(lambda: _scrape(stack, "publisher-clock").get(("publications_open", waiting), 0) >= 1)
    for process in TELLERS:
        assert _scrape(stack, process)[("outbox_oldest_seconds", frozenset())] < 60


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
