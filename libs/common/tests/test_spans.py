"""Spans, where somebody listens; where nobody does, nothing of them is there."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common.bus import topology
from common.bus.publish import broker
from common.bus.subscription import Queue
from common.bus.telling import Telling
from common.contracts.accounts import PlanChanged
from common.db.relay import Fact
from common.http.middleware import Edge
from common.ids import new_id
from common.observe import trace
from common.observe.calling import calling
from common.observe.otlp import Spans
from support.waiting import eventually

pytestmark = pytest.mark.anyio
PARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"
HEARS = (("accounts.events", "PlanChanged.v1"),)


class Seen:
    """What was recorded, by name."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.spans = Spans(Resource({}), SimpleSpanProcessor(self._exporter))

    def __getitem__(self, name: str) -> ReadableSpan:
        (found,) = self.all(name)
        return found

    def all(self, name: str) -> list[ReadableSpan]:
        return [one for one in self._exporter.get_finished_spans() if one.name == name]


@pytest.fixture
def seen() -> Iterator[Seen]:
    found = Seen()
    trace.record(found.spans)
    yield found
    trace.record(None)


def ids(span: ReadableSpan) -> tuple[str, str]:
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def under(span: ReadableSpan) -> str:
    assert span.parent is not None
    return f"{span.parent.span_id:016x}"


async def test_a_span_continues_what_it_was_told(seen: Seen) -> None:
    with trace.within(trace.start(PARENT)), trace.span("outer"), trace.span("inner"):
        told = trace.current().traceparent
    outer, inner = seen["outer"], seen["inner"]
    assert under(outer) == "cd" * 8
    assert under(inner) == ids(outer)[1]
    assert told == f"00-{'ab' * 16}-{ids(inner)[1]}-01"


async def test_a_span_belongs_to_where_it_is_entered_not_to_where_it_was_made(seen: Seen) -> None:
    made = trace.span("made outside")
    with trace.within(trace.start(PARENT)), made:
        pass
    assert under(seen["made outside"]) == "cd" * 8


async def test_a_trace_that_begins_here_has_a_root_with_the_id_that_the_logs_name(
    seen: Seen,
) -> None:
    with trace.within(trace.start()) as here, trace.span("root"):
        pass
    assert seen["root"].parent is None
    assert ids(seen["root"])[0] == here.trace_id


async def test_what_the_caller_does_not_sample_is_not_sampled_here_either(seen: Seen) -> None:
    with trace.within(trace.start(PARENT[:-1] + "0")), trace.span("quiet"):
        told = trace.current().traceparent
    assert seen.all("quiet") == []
    assert told.endswith("-00")


async def test_a_stranger_does_not_decide_what_is_sampled(seen: Seen) -> None:
    told = replace(trace.start(PARENT[:-1] + "0"), sampled=True, trusted=False)
    with trace.within(told), trace.span("stranger"), trace.span("ours"):
        pass
    assert ids(seen["ours"])[0] == "ab" * 16


async def test_a_question_about_two_hundred_posts_is_linked_with_all_of_them(seen: Seen) -> None:
    with trace.span("collect", links=[trace.start() for _ in range(200)]):
        pass
    assert len(seen["collect"].links) == 200


class Echo:
    """An application that knows one route."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        del receive
        if scope["path"] == "/v1/clips/7":
            scope["route"] = SimpleNamespace(path="/v1/clips/{clip_id}")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("method", "path", "name", "route"),
    [
        ("GET", "/v1/clips/7?code=canary", "GET /v1/clips/{clip_id}", "/v1/clips/{clip_id}"),
        ("GET", "/canary", "GET", None),
        ("ZZ-canary", "/canary", "HTTP", None),
    ],
)
async def test_strangers_name_no_spans(
    seen: Seen, method: str, path: str, name: str, route: str | None
) -> None:
    transport = httpx.ASGITransport(Edge(Echo()))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.request(method, path, headers={"X-Correlation-Id": "canary"})
    span = seen[name]
    assert (span.attributes or {}).get("http.route") == route
    assert "canary" not in span.to_json()
    assert answer.headers["traceparent"].split("-")[1:3] == list(ids(span))


@pytest.mark.parametrize(
    "told", [None, "", "nonsense", PARENT.upper(), f"00-{'0' * 32}-{'cd' * 8}-01"]
)
async def test_a_header_that_is_none_begins_a_new_trace(told: str | None) -> None:
    here = trace.start(told)
    assert not here.known
    assert trace.start(here.traceparent).trace_id == here.trace_id


async def test_a_span_tells_the_class_of_what_went_wrong_and_never_its_text(seen: Seen) -> None:
    with pytest.raises(ValueError, match="canary"), trace.span("broken"):
        raise ValueError("canary")
    assert dict(seen["broken"].attributes or {}) == {"error.type": "ValueError"}
    assert "canary" not in seen["broken"].to_json()


async def test_a_mark_takes_the_id_that_it_is_given(seen: Seen) -> None:
    marked = trace.mark("claim", span_id="12" * 8)
    with trace.within(marked), trace.span("work"):
        pass
    assert under(seen["work"]) == ids(seen["claim"])[1]
    assert ids(seen["claim"])[1] == "12" * 8


async def test_a_call_without_a_template_tells_nothing_of_its_address(seen: Seen) -> None:
    with calling("PUT", "https://up.example:8443/s3cret?sig=canary", None, body=9) as call:
        call.answered(503)
    told = dict(seen["PUT"].attributes or {})
    assert told == {
        "http.request.method": "PUT",
        "http.request.body.size": 9,
        "http.response.status_code": 503,
        "server.address": "up.example",
        "server.port": 8443,
        "url.full": "https://up.example:8443/REDACTED",
        "error.type": "503",
    }


async def test_an_address_that_is_none_is_no_reason_to_fail(seen: Seen) -> None:
    with calling("GET", "http://[", None):
        pass
    assert dict(seen["GET"].attributes or {}) == {"http.request.method": "GET"}


async def test_a_message_is_handled_under_its_sending_and_every_retry_under_the_one_before(
    seen: Seen, bus: Any, consuming: Any, fact: PlanChanged
) -> None:
    tried: list[str] = []

    async def fails_twice(_uow: Any, _heard: Any) -> None:
        tried.append(trace.current().trace_id)
        if len(tried) < 3:
            raise RuntimeError("canary")

    async def handled() -> bool:
        return len(seen.all("process listener.plans")) == 3

    async with consuming(fails_twice):
        await bus.tell(fact, headers={"traceparent": PARENT})
        await eventually(handled)
    first, second, third = seen.all("process listener.plans")
    assert under(first) == "cd" * 8
    assert [one.status.is_ok for one in (first, second, third)] == [False, False, True]
    again, once_more = seen.all("send listener.retry:listener.plans.retry.50ms") + seen.all(
        "send listener.retry:listener.plans.retry.100ms"
    )
    assert (under(again), under(once_more)) == (ids(first)[1], ids(second)[1])
    assert (under(second), under(third)) == (ids(again)[1], ids(once_more)[1])
    assert set(tried) == {"ab" * 16}
    told = dict(first.attributes or {})
    assert told["messaging.destination.name"] == ("accounts.events:PlanChanged.v1:listener.plans")
    assert "canary" not in first.to_json()


async def test_each_fact_of_a_batch_is_sent_under_the_trace_in_which_it_was_told(
    seen: Seen, bus: Any
) -> None:
    """Until the broker confirmed it; what it refused has failed."""
    await topology.declare(bus.url, "accounts", (Queue("listener", "plans", HEARS, ()),))
    told = [Fact(new_id(), key, "{}", key, PARENT, None) for key in ("PlanChanged.v1", "Nobody.v1")]
    async with broker(bus.url, "accounts") as speaker:
        heard, refused = await Telling(speaker, "accounts")(told)
    assert heard is None
    assert refused is not None
    sent, lost = (seen[f"send accounts.events:{one.type}"] for one in told)
    assert (under(sent), under(lost)) == ("cd" * 8, "cd" * 8)
    assert (sent.status.is_ok, lost.status.is_ok) == (True, False)
    message = await bus.comes("listener.plans")
    assert message.headers["traceparent"] == f"00-{ids(sent)[0]}-{ids(sent)[1]}-01"
