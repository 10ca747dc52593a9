"""Around every request: the trace, its span, and one log line with the route's template."""

import time
from dataclasses import replace

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.observe import logs, trace

log = logs.get("http")
QUIET = ("/healthz", "/readyz", "/metrics")
INTERNAL = "/internal/"
"""Only services of ours are let in there, and their word on sampling counts."""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}


class Edge:
    """Pure ASGI, so that uploads and event streams pass through untouched.

    The log holds the route's template, never the path or the query: a callback's query carries
    the code and the state.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = {
            name: value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"x-correlation-id")
        }
        correlation = given.get(b"x-correlation-id", "")[:64]
        here = trace.start(
            given.get(b"traceparent"), correlation if correlation.isprintable() else None
        )
        if not scope["path"].startswith(INTERNAL):
            here = replace(here, sampled=True, trusted=False)
        with trace.within(here):
            if scope["path"] in QUIET:
                await self._app(scope, receive, send)
            else:
                await self._seen(scope, receive, send)

    async def _seen(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, started = scope["method"], time.monotonic()
        status = 500
        with trace.span("HTTP", "server") as span:
            traceparent = trace.current().traceparent

            async def reply(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    MutableHeaders(scope=message)["traceparent"] = traceparent
                await send(message)

            try:
                await self._app(scope, receive, reply)
            finally:
                route = getattr(scope.get("route"), "path", None)
                _describe(span, scope, route, status)
                log.info(
                    "http_request",
                    method=method,
                    route=route or "unknown",
                    status=status,
                    ms=round((time.monotonic() - started) * 1000),
                )


def _describe(span: trace.Span, scope: Scope, route: str | None, status: int) -> None:
    """By the semantic conventions for HTTP. The template stands where they want the path, and there
    is no query: both hold what opens accounts. Strangers invent methods and paths: those that we
    don't know are not repeated."""
    known = scope["method"] in METHODS
    span.rename(" ".join([scope["method"] if known else "HTTP", *([route] if route else [])]))
    host, port = scope.get("server") or (None, None)
    span.set(
        {
            "http.request.method": scope["method"] if known else "_OTHER",
            "http.route": route,
            "http.response.status_code": status,
            "url.scheme": scope.get("scheme", "http"),
            "url.path": route,
            "server.address": host,
            "server.port": port,
        }
    )
    if status >= 500:
        span.fail(str(status))
