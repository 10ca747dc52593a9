"""One trace and one correlation id from the click to the post, carried across every border."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where we are: the W3C trace, our own correlation id, and the message that caused this."""

    trace_id: str
    span_id: str
    correlation_id: str
    causation_id: str | None = None

    @property
    def traceparent(self) -> str:
        """The header of W3C Trace Context."""
        return f"00-{self.trace_id}-{self.span_id}-01"


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace:
    """The trace we are in; a new one when nobody started any."""
    return _current.get() or start()


def start(
    traceparent: str | None = None,
    correlation_id: str | None = None,
    causation_id: str | None = None,
) -> Trace:
    """A trace that continues `traceparent`, or a new one when it is missing or malformed."""
    match = TRACEPARENT.fullmatch(traceparent or "")
    trace_id = match.group(1) if match else secrets.token_hex(16)
    return Trace(trace_id, secrets.token_hex(8), correlation_id or trace_id, causation_id)


@contextmanager
def within(trace: Trace) -> Iterator[Trace]:
    """Everything inside belongs to this trace."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)
