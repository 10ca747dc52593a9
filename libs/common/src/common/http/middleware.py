"""Around every request: the trace, and one log line with the route's template."""

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.observe import logs, trace

log = logs.get("http")
QUIET = ("/healthz", "/readyz", "/metrics")


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
        status = 500
        started = time.monotonic()

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["traceparent"] = here.traceparent
            await send(message)

        with trace.within(here):
            try:
                await self._app(scope, receive, reply)
            finally:
                route = getattr(scope.get("route"), "path", "unknown")
                if route not in QUIET:
                    log.info(
                        "http_request",
                        method=scope["method"],
                        route=route,
                        status=status,
                        ms=round((time.monotonic() - started) * 1000),
                    )
