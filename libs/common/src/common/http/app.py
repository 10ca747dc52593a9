"""The one way to build a service's FastAPI application."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from common.http import problems
from common.http.health import Check, health_router, metrics_router
from common.http.middleware import Edge
from common.http.problems import Problem
from common.settings import Settings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
MAX_JSON_BODY = 256 * 1024


SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
"""Nothing that we answer is to be shown as a page, but for the documents of the interface."""
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own would write down queries, such as an OAuth code; our spans are made by Edge."""


class App(FastAPI):
    """FastAPI, but its 413 is a problem too: Starlette writes it as plain text around the
    application, where no handler and no middleware reaches. For the same reason the headers that
    make an answer safe are set here: a 413 and a 500 need them as well."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        replaced = False

        async def reply(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                replaced = message["status"] == 413 and kind.startswith(b"text/plain")
                _make_safe(message)
                if replaced:
                    answer = problems.render(Request(scope), Problem(413, "invalid_request"))
                    _make_safe({"headers": answer.raw_headers})
                    await answer(scope, receive, send)
            if not replaced:
                await send(message)

        await super().__call__(scope, receive, reply)


def _make_safe(answer: Message) -> None:
    headers = MutableHeaders(raw=answer["headers"])
    for name, value in SAFE.items():
        headers.setdefault(name, value)
    if "html" not in headers.get("content-type", ""):
        headers.setdefault("Content-Security-Policy", NO_PAGE)


def create_app(
    title: str,
    settings: Settings,
    *,
    routers: Sequence[APIRouter],
    checks: Mapping[str, Check],
    required: frozenset[str],
    lifespan: Lifespan,
) -> FastAPI:
    """Docs and metrics are on the public port only where the settings say so (api.md), and never
    in production."""
    docs = settings.expose_docs and not settings.production
    app = App(
        title=title,
        version="1",
        lifespan=lifespan,
        max_body_size=MAX_JSON_BODY,
        docs_url="/docs" if docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if docs else None,
        telemetry=NO_TELEMETRY,
        responses={
            "4XX": {"model": problems.ProblemBody, "description": "Problem details"},
        },
    )
    problems.install(app)
    app.include_router(health_router(checks, required))
    if settings.metrics_port is None and not settings.production:
        app.include_router(metrics_router())
    for router in routers:
        app.include_router(router)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "Last-Event-ID",
            ],
            expose_headers=["Retry-After", "Idempotent-Replayed", "ETag"],
        )
    app.add_middleware(Edge)
    return app
