"""One trace leads from the click to the post and its numbers, over every process."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from e2e.conftest import Ask, Connect, Sandbox
from localrun.person import Person
from support.otlp import Collector, Seen
from support.waiting import wait_for

PATIENCE = 60
WAY = {
    ("publisher", "server", "POST /v1/publications"),
    ("publisher", "producer", "send publisher.events:PublicationRequested.v1.{platform}"),
    ("publisher", "consumer", "process publisher.publish.{platform}"),
    ("publisher", "internal", "claim {platform}"),
    ("publisher", "client", "POST /internal/v1/credentials/{{id}}/access-token"),
    ("oauth-gateway", "server", "POST /internal/v1/credentials/{{connection_id}}/access-token"),
    ("publisher", "producer", "send publisher.events:PublicationPublished.v1"),
    ("stats-collector", "consumer", "process stats-collector.watch"),
    ("stats-collector", "producer", "send stats-collector.events:StatsCollected.v1"),
    ("publisher", "consumer", "process publisher.stats"),
}
"""What every publication passes, in the order of its way."""
CALLS = {
    "vk": {"POST /method/video.save", "POST", "POST /method/video.get"},
    "rutube": {"POST /api/video/", "GET /api/video/{id}/"},
    "dzen": {"POST /publisher/videos", "PUT", "POST /publisher/videos/{id}/publish"},
    "telegram": {"POST /bot{token}/sendVideo"},
}
"""What it asks its platform for. An upload's address is a secret: only its method is told."""
NUMBERS = {
    "vk": "POST /method/video.get",
    "rutube": "GET /api/video/{id}/",
    "dzen": "GET /publisher/videos/{id}/stats",
}
NEEDED = {
    "server": {"http.request.method", "http.route", "http.response.status_code", "url.scheme"},
    "client": {"http.request.method", "server.address", "server.port", "url.full"},
    "producer": {"messaging.system", "messaging.destination.name", "messaging.operation.type"},
    "consumer": {"messaging.system", "messaging.destination.name", "messaging.operation.type"},
    "internal": {"clipcast.platform"},
}
"""Attributes that the semantic conventions require, by kind."""


def trace_of(person: Person, publication: str) -> str:
    (first, *_) = person.ask("publisher", "GET", f"/v1/publications/{publication}/timeline")[
        "items"
    ]
    return str(first["trace_id"])


def spans_of(collector: Collector, trace_id: str, done: Callable[[list[Seen]], bool]) -> list[Seen]:
    """The spans of a trace, once they are all there."""
    until = time.monotonic() + PATIENCE
    while not done(found := collector.spans(trace_id)):
        assert time.monotonic() < until, "\n".join(f"{one.service} {one.name}" for one in found)
        time.sleep(0.1)
    return found


def connected(spans: list[Seen]) -> bool:
    """One root, and every other hangs on one that is there."""
    ids = {one.span_id for one in spans}
    roots = [one for one in spans if not one.parent]
    return len(roots) == 1 and all(one.parent in ids for one in spans if one.parent)


def steps(spans: list[Seen]) -> set[tuple[str, str, str]]:
    return {(one.service, one.kind, one.name) for one in spans}


@pytest.mark.parametrize("platform", sorted(CALLS))
def test_a_publication_is_one_connected_tree_from_the_request_to_its_numbers(
    person: Person, connect: Connect, ask: Ask, collector: Collector, platform: str
) -> None:
    (accepted,) = ask(person, connect(person, platform))
    (ended,) = person.watch([accepted["id"]], seconds=PATIENCE)
    assert ended["status"] == "published"
    way = {(service, kind, name.format(platform=platform)) for service, kind, name in WAY}
    way |= {("publisher", "client", name) for name in CALLS[platform]}
    if platform in NUMBERS:
        way |= {
            ("stats-collector", "internal", f"{platform} collect"),
            ("stats-collector", "internal", f"{platform} sample"),
            ("stats-collector", "client", NUMBERS[platform]),
        }
    spans = spans_of(
        collector,
        trace_of(person, accepted["id"]),
        lambda found: way <= steps(found) and connected(found),
    )
    assert {one.service for one in spans} == {
        "publisher", "connections", "oauth-gateway", "stats-collector",
    }  # fmt: skip
    for one in spans:
        assert one.resource["service.namespace"] == "clipcast"
        assert one.attributes.keys() >= NEEDED[one.kind], one
        assert "?" not in str(one.attributes.get("url.full", "")), one


def test_the_answer_names_the_trace_that_the_frontend_began(
    person: Person, collector: Collector
) -> None:
    mine = f"00-{'ab' * 16}-{'cd' * 8}-01"
    answer = person._api.get(
        f"{person.urls['publisher']}/v1/publications?status=failed", headers={"traceparent": mine}
    )
    (span,) = spans_of(collector, "ab" * 16, bool)
    assert (span.parent, span.name) == ("cd" * 8, "GET /v1/publications")
    assert answer.headers["traceparent"] == f"00-{'ab' * 16}-{span.span_id}-01"


def test_a_retry_is_linked_with_what_was_tried_before(
    person: Person, connect: Connect, ask: Ask, sandbox: Sandbox, collector: Collector
) -> None:
    sandbox.fail("vk", "video.save", "unknown_error", times=1)
    (accepted,) = ask(person, connect(person, "vk"))
    person.watch([accepted["id"]], seconds=PATIENCE)

    def claims(found: list[Seen]) -> list[Seen]:
        mine = [one for one in found if one.name == "claim vk"]
        return sorted(mine, key=lambda one: one.attributes["clipcast.fence"])

    spans = spans_of(
        collector,
        trace_of(person, accepted["id"]),
        lambda found: len(claims(found)) > 1 and connected(found),
    )
    first, second, *_ = claims(spans)
    assert (first.trace_id, first.span_id) in second.links
    (refused,) = [one for one in spans if one.name == "vk act reserve" and one.failed]
    assert (refused.parent, refused.attributes["error.type"]) == (first.span_id, "OutcomeUnknown")


def test_what_a_person_does_to_a_publication_leads_to_its_trace(
    person: Person, connect: Connect, ask: Ask, collector: Collector
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    (waiting,) = ask(person, connect(person, "telegram"), schedule_at=tomorrow)
    person.ask("publisher", "POST", f"/v1/publications/{waiting['id']}/cancel")
    mine = trace_of(person, waiting["id"])
    name = "POST /v1/publications/{publication_id}/cancel"

    def cancelled(found: list[Seen]) -> list[Seen]:
        return [one for one in found if one.name == name and mine in {to for to, _ in one.links}]

    wait_for(lambda: cancelled(collector.spans()), PATIENCE)
