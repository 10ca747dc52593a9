"""Whether spans are recorded: where the environment names no collector, nothing is even loaded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def wanted() -> bool:
    """By the standard's own variables."""
    named = any(os.environ.get(name) for name in ENDPOINTS)
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return named and not off and os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "none"


@contextmanager
def recording(service: str, process: str) -> Iterator[None]:
    """A process's life; what is left of its spans is sent at the end."""
    if not wanted():
        yield
        return
    from common.observe import otlp  # noqa: PLC0415 - the SDK is slow to load

    spans = otlp.configure(service, process)
    try:
        yield
    finally:
        spans.close()
