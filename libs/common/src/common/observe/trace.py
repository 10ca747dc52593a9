"""One trace and one correlation id from the click to the post, carried across every border.

The ids are there always: logs, messages and rows carry them. Spans are made only where a recorder
was set (common.observe.otlp); without one `span` costs nothing.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
NOBODY = {"0" * 32, "0" * 16}
"""Ids that W3C Trace Context forbids."""

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | bool | None]
"""By the semantic conventions of OpenTelemetry, our own below `clipcast.`; None is left out.
Never a secret, a query, or a text of strangers."""


class Span(Protocol):
    """Something that takes time, as it will be shown."""

    def set(self, attributes: Attributes) -> None:
        """Add what is known by now."""
        ...

    def rename(self, name: str) -> None:
        """What it is called is known only now."""
        ...

    def fail(self, kind: str) -> None:
        """It went wrong; `kind` is a class or a status, never a text."""
        ...

    def link(self, to: "Trace") -> None:
        """It has to do with a span elsewhere."""
        ...


class _Nothing:
    """The span where nobody listens."""

    def set(self, attributes: Attributes) -> None: ...
    def rename(self, name: str) -> None: ...
    def fail(self, kind: str) -> None: ...
    def link(self, to: "Trace") -> None: ...


NOTHING: Span = _Nothing()
_OFF = nullcontext(NOTHING)


@dataclass(frozen=True, slots=True)
class Trace:
    """Where we are: the W3C trace, our own correlation id, and the message that caused this."""

    trace_id: str
    span_id: str
    correlation_id: str
    causation_id: str | None = None
    known: bool = True
    """Whether a span has this id; where a trace begins, none has yet."""
    sampled: bool = True
    trusted: bool = True
    """Whether it came from one of us; a stranger does not decide what is sampled."""
    span: Span = field(default=NOTHING, compare=False, repr=False)

    @property
    def traceparent(self) -> str:
        """The header of W3C Trace Context."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


class Begun(Span, Protocol):
    """A span that runs."""

    @property
    def span_id(self) -> str: ...
    @property
    def sampled(self) -> bool: ...

    def end(self) -> None:
        """Send it off."""
        ...


class Recorder(Protocol):
    """Makes spans."""

    def begin(
        self,
        name: str,
        kind: Kind,
        here: Trace,
        attributes: Attributes,
        links: Sequence[Trace],
        span_id: str | None,
    ) -> Begun:
        """Start one under `here`."""
        ...


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


class _Recording:
    by: Recorder | None = None


def record(by: Recorder | None) -> None:
    """From now on spans are made by `by`, or not at all."""
    _Recording.by = by


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
    if match is None or NOBODY & set(match.groups()):
        trace_id = secrets.token_hex(16)
        span_id = secrets.token_hex(8)
        return Trace(trace_id, span_id, correlation_id or trace_id, causation_id, known=False)
    trace_id, span_id, flags = match.groups()
    sampled = bool(int(flags, 16) & 1)
    return Trace(trace_id, span_id, correlation_id or trace_id, causation_id, sampled=sampled)


@contextmanager
def within(trace: Trace) -> Iterator[Trace]:
    """Everything inside belongs to this trace."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


def recording() -> bool:
    """Whether anybody listens; nothing needs to be made ready for a span where nobody does."""
    return _Recording.by is not None


def span(
    name: str,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
    *,
    links: Sequence[Trace] = (),
    span_id: str | None = None,
) -> AbstractContextManager[Span]:
    """What happens inside, as a span of the current trace; an exception marks it as failed."""
    if _Recording.by is None:
        return _OFF
    return _running(_Recording.by, name, kind, attributes or {}, links, span_id)


@contextmanager
def _running(
    by: Recorder,
    name: str,
    kind: Kind,
    attributes: Attributes,
    links: Sequence[Trace],
    span_id: str | None,
) -> Iterator[Span]:
    here = current()
    begun = by.begin(name, kind, here, attributes, links, span_id)
    inside = replace(
        here,
        span_id=begun.span_id,
        known=True,
        sampled=begun.sampled,
        trusted=True,
        span=begun,
    )
    try:
        with within(inside):
            yield begun
    except BaseException as error:
        begun.fail(type(error).__name__)
        raise
    finally:
        begun.end()


def mark(
    name: str,
    attributes: Attributes | None = None,
    *,
    links: Sequence[Trace] = (),
    span_id: str | None = None,
) -> Trace:
    """A span that ends at once. What follows hangs on it even when this process dies, while a span
    that lasts would be lost with it."""
    with span(name, "internal", attributes, links=links, span_id=span_id):
        return current()
