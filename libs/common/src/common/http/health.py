"""Whether a process lives, and whether it can do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

Check = Callable[[], Awaitable[str]]
"""Answers a word of detail, or raises."""
CHECK_SECONDS = 2.0


class CheckBody(BaseModel):
    """One dependency."""

    ok: bool
    detail: str


class ReadyBody(BaseModel):
    """The answer of /readyz."""

    ready: bool
    checks: dict[str, CheckBody]


def health_router(checks: Mapping[str, Check], required: frozenset[str]) -> APIRouter:
    """`required` names the checks without which the answer is 503 (api.md)."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def alive() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @router.get("/readyz", response_model=ReadyBody)
    async def ready() -> JSONResponse:
        """Each dependency, asked now."""
        answers = await asyncio.gather(*(_ask(check) for check in checks.values()))
        found = dict(zip(checks, answers, strict=True))
        good = all(found[name].ok for name in required)
        body = ReadyBody(ready=good, checks=found)
        return JSONResponse(body.model_dump(), status_code=200 if good else 503)

    return router


def metrics_router() -> APIRouter:
    """Prometheus text."""
    router = APIRouter(tags=["health"])

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """All metrics of this process."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _ask(check: Check) -> CheckBody:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return CheckBody(ok=True, detail=await check())
    except Exception as error:  # noqa: BLE001 - any failure means "not ready", and says which
        return CheckBody(ok=False, detail=type(error).__name__)
