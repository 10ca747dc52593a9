"""Sends spans to an OpenTelemetry collector (OTLP over HTTP), when the settings name one.

Everything is set by the standard's own variables, `OTEL_EXPORTER_OTLP_ENDPOINT` first of all.
"""

import os
import sys
import threading
import uuid
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from common.observe import trace
from common.observe.trace import Attributes, Kind, Trace

DELAY_MS = "1000"
"""What a process that is killed loses of its spans; the standard's own five seconds are more."""
FLUSH_SECONDS = 3.0
EXPORT_SECONDS = "5"

MOST_LINKS = 256
"""A question to VK is about 200 posts."""
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

_wanted: ContextVar[tuple[str | None, str | None]] = ContextVar("ids", default=(None, None))


class _Ids(RandomIdGenerator):
    """Ids that are known beforehand: of a trace that logs already name, of a claim."""

    def generate_trace_id(self) -> int:
        wanted = _wanted.get()[0]
        return int(wanted, 16) if wanted else super().generate_trace_id()

    def generate_span_id(self) -> int:
        wanted = _wanted.get()[1]
        return int(wanted, 16) if wanted else super().generate_span_id()


class _Span:
    def __init__(self, inner: OtelSpan) -> None:
        self._inner = inner
        told = inner.get_span_context()
        self.span_id = f"{told.span_id:016x}"
        self.sampled = told.trace_flags.sampled

    def set(self, attributes: Attributes) -> None:
        self._inner.set_attributes(_given(attributes))

    def rename(self, name: str) -> None:
        self._inner.update_name(name)

    def fail(self, kind: str) -> None:
        self._inner.set_attribute("error.type", kind)
        self._inner.set_status(Status(StatusCode.ERROR))

    def link(self, to: Trace) -> None:
        self._inner.add_link(_context(to))

    def end(self) -> None:
        self._inner.end()


class Spans:
    """common.observe.trace.Recorder over the SDK. The provider stays our own: a global one would
    make libraries trace too, and they write down addresses with their queries."""

    def __init__(self, resource: Resource, processor: SpanProcessor) -> None:
        self._provider = TracerProvider(
            resource=resource,
            id_generator=_Ids(),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_links=MOST_LINKS),
        )
        self._provider.add_span_processor(processor)
        self._tracer: Tracer = self._provider.get_tracer("clipcast")

    def begin(
        self,
        name: str,
        kind: Kind,
        here: Trace,
        attributes: Attributes,
        links: Sequence[Trace],
        span_id: str | None,
    ) -> _Span:
        """Start one under `here`, or at the root of its trace."""
        if not here.trusted:
            here = replace(here, sampled=self._sampled(here, name))
        parent = NonRecordingSpan(_context(here))
        token = _wanted.set((here.trace_id, span_id))
        try:
            return _Span(
                self._tracer.start_span(
                    name,
                    set_span_in_context(parent, Context()) if here.known else Context(),
                    SpanKind[kind.upper()],
                    _given(attributes),
                    [Link(_context(one)) for one in links],
                )
            )
        finally:
            _wanted.reset(token)

    def _sampled(self, here: Trace, name: str) -> bool:
        """What is decided for a trace that begins here."""
        decided = self._provider.sampler.should_sample(Context(), int(here.trace_id, 16), name)
        return decided.decision is Decision.RECORD_AND_SAMPLE

    def close(self) -> None:
        """Send what is left, but don't wait long for a collector that does not answer: the SDK
        itself tries for twenty seconds, and knows no other limit."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(FLUSH_SECONDS)


def configure(service: str, process: str) -> Spans:
    """Record from now on. Ends the process when the settings ask for what it can't speak."""
    for name in PROTOCOLS:
        if os.environ.get(name) not in (None, "", "http/protobuf"):
            sys.exit(f"{name}: only http/protobuf is spoken; its port is 4318")
    os.environ.setdefault("OTEL_BSP_SCHEDULE_DELAY", DELAY_MS)
    os.environ.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", EXPORT_SECONDS)
    resource = Resource.create(
        {
            "service.namespace": "clipcast",
            "service.name": service,
            "service.instance.id": str(uuid.uuid4()),
            "clipcast.process": process,
            **OTELResourceDetector().detect().attributes,
        }
    )
    spans = Spans(resource, BatchSpanProcessor(OTLPSpanExporter()))
    trace.record(spans)
    return spans


def _context(one: Trace) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if one.sampled else TraceFlags.DEFAULT)
    return SpanContext(
        int(one.trace_id, 16), int(one.span_id, 16), is_remote=True, trace_flags=flags
    )


def _given(attributes: Attributes) -> dict[str, str | int | bool]:
    return {name: value for name, value in attributes.items() if value is not None}
