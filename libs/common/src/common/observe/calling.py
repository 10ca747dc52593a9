"""The span of one HTTP call that we make, by the semantic conventions for HTTP clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from common.observe import trace

HIDDEN = "/REDACTED"


class Calling:
    """A call under way."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def answered(self, status: int) -> None:
        """The platform's own refusals may well be a 200; their step's span tells of them."""
        self._span.set({"http.response.status_code": status})
        if status >= 400:
            self._span.fail(str(status))


_UNSEEN = Calling(trace.NOTHING)


@contextmanager
def calling(
    method: str, url: str, template: str | None, *, body: int | None = None
) -> Iterator[Calling]:
    """`template` is the path without what is particular to this call; without one nothing of the
    path is told: it may be what lets somebody in. The query never is. `body` is its size."""
    if not trace.recording():
        yield _UNSEEN
        return
    described: trace.Attributes = {
        "http.request.method": method,
        "http.request.body.size": body,
        "url.template": template,
    }
    name = f"{method} {template}" if template else method
    with trace.span(name, "client", {**described, **_where(url, template)}) as span:
        yield Calling(span)


def _where(url: str, template: str | None) -> trace.Attributes:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return {}
    full = f"{parts.scheme}://{host}{f':{port}' if port else ''}{template or HIDDEN}"
    port = port or {"http": 80, "https": 443}.get(parts.scheme)
    return {"server.address": host, "server.port": port, "url.full": full}
