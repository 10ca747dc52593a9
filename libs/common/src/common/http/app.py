"""The one way to build a service's FastAPI application."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from common.http import problems
from common.http.health import Check, health_router, metrics_router
from common.http.middleware import Edge
from common.settings import Settings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
MAX_JSON_BODY = 256 * 1024


def create_app(
    title: str,
    settings: Settings,
    *,
    routers: Sequence[APIRouter],
    checks: Mapping[str, Check],
    required: frozenset[str],
    lifespan: Lifespan,
) -> FastAPI:
    """Docs and metrics are on the public port only where the settings say so (api.md)."""
    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        max_body_size=MAX_JSON_BODY,
        docs_url="/docs" if settings.expose_docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if settings.expose_docs else None,
        responses={
            "4XX": {"model": problems.ProblemBody, "description": "Problem details"},
        },
    )
    problems.install(app)
    app.include_router(health_router(checks, required))
    if settings.metrics_port is None:
        app.include_router(metrics_router())
    for router in routers:
        app.include_router(router)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match"],
            expose_headers=["Retry-After", "Idempotent-Replayed", "ETag"],
        )
    app.add_middleware(Edge)
    return app
