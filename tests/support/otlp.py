"""An OpenTelemetry collector for tests: keeps what it was sent, and reads the spans out of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent

from localrun.ports import LOOPBACK

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
FAILED = 2


@dataclass(frozen=True)
class Seen:
    """One span as it arrived."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    """Empty at the root."""
    links: tuple[tuple[str, str], ...]
    """(trace, span) pairs."""
    attributes: dict[str, Any]
    resource: dict[str, Any]
    failed: bool

    @property
    def service(self) -> str:
        """Whose it is."""
        return str(self.resource["service.name"])


class Collector(ThreadingHTTPServer):
    """OTLP over HTTP, whatever is sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Take)
        self.received: list[bytes] = []
        """Heads and bodies."""
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process send its spans here, and soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In threads of its own."""
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            self.server_close()
            thread.join(10)

    def spans(self, trace_id: str | None = None) -> list[Seen]:
        """All that came so far, or those of one trace."""
        return [
            one
            for body in list(self.bodies)
            for one in _read(body)
            if trace_id in (None, one.trace_id)
        ]


class _Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        head = f"{self.requestline}\n{self.headers}".encode()
        self.server.received += [head, body]
        self.server.bodies.append(body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Tests print for themselves."""


def _read(body: bytes) -> Iterator[Seen]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _values(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield _seen(span, resource)


def _seen(span: Sent, resource: dict[str, Any]) -> Seen:
    return Seen(
        name=span.name,
        kind=KINDS[span.kind],
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple((one.trace_id.hex(), one.span_id.hex()) for one in span.links),
        attributes=_values(span.attributes),
        resource=resource,
        failed=span.status.code == FAILED,
    )


def _values(pairs: Any) -> dict[str, Any]:
    def value(pair: KeyValue) -> Any:
        return getattr(pair.value, pair.value.WhichOneof("value") or "string_value")

    return {pair.key: value(pair) for pair in pairs}
