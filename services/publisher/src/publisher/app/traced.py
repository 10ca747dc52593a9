"""How a publication's work shows in its trace: each claim, and below it each step and its calls.

A claim's span ends at once, so that what a worker did before it died still hangs on something. Its
id is made of the publication and the fence: the claim that takes over names it without having been
told.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from hashlib import sha256

from common.observe import trace
from publisher.app import record
from publisher.domain.publication import Publication


@contextmanager
def claim(claimed: Publication) -> Iterator[None]:
    """Everything inside belongs to this claim: under the request, linked with the call that led to
    it and with the claim before it."""
    if not trace.recording():
        with record.within(claimed):
            yield
        return
    called = trace.current()
    with record.within(claimed) as request:
        links = [called] if called.known else []
        if claimed.fence > 1:
            links.append(replace(request, span_id=_span_id(claimed, claimed.fence - 1)))
        marked = trace.mark(
            f"claim {claimed.platform}",
            {**_described(claimed), "clipcast.fence": claimed.fence},
            links=links,
            span_id=_span_id(claimed, claimed.fence),
        )
        with trace.within(marked):
            yield


def call(row: Publication, step: str, what: str) -> AbstractContextManager[trace.Span]:
    """One step at a platform: `what` is act, look or undo."""
    about: trace.Attributes = {"clipcast.step": step, "clipcast.step.call": what}
    return trace.span(f"{row.platform} {what} {step}", attributes={**_described(row), **about})


def _described(row: Publication) -> trace.Attributes:
    return {
        "clipcast.publication.id": str(row.id),
        "clipcast.connection.id": str(row.connection_id),
        "clipcast.platform": row.platform,
        "clipcast.attempt": row.attempt,
    }


def _span_id(row: Publication, fence: int) -> str:
    return sha256(f"{row.id}/{fence}".encode()).hexdigest()[:16]
