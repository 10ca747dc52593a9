"""One frame for every process: `http` and workers alike are one uvicorn server with a lifespan.

A worker serves only its health and metrics; its work lives in the lifespan, so that a broker that
is missing at start ends the process (stack.md C12) and SIGTERM drains it.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from common.http.app import Lifespan
from common.http.health import Check, health_router, metrics_router
from common.observe import logs
from common.settings import Settings

log = logs.get(__name__)
Task = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
SIGNALS = (signal.SIGTERM, signal.SIGINT)
END_SECONDS = 5.0
"""What all tasks together get to end by themselves."""
REQUEST_SECONDS = 10
"""What the requests under way get to end by themselves."""


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until SIGTERM. Exits non-zero when the start failed or a task died."""
    _run(app, settings.http_host, settings.http_port)


def serve_worker(
    settings: Settings,
    lifespan: Lifespan,
    checks: Mapping[str, Check],
    required: frozenset[str],
) -> None:
    """Run a worker; health and metrics are on METRICS_PORT, or on a port the system picks."""
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(health_router(checks, required))
    app.include_router(metrics_router())
    _run(app, settings.http_host, settings.metrics_port or 0)


@asynccontextmanager
async def running(*tasks: Task) -> AsyncIterator[asyncio.Event]:
    """Run tasks beside the server; one that dies takes the process down with it."""
    stop = asyncio.Event()

    async def guarded(task: Task) -> None:
        try:
            await task(stop)
        except (Exception, asyncio.CancelledError) as error:
            if stop.is_set() and isinstance(error, asyncio.CancelledError):
                raise  # by us
            log.critical("task_died", task=getattr(task, "__qualname__", ""), exc_info=error)
            _State.failed = True
            signal.raise_signal(signal.SIGTERM)

    started = [asyncio.create_task(guarded(task)) for task in tasks]
    try:
        yield stop
    finally:
        stop.set()
        _, late = await asyncio.wait(started, timeout=END_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*started, return_exceptions=True)


@contextmanager
def told_to_stop(do: Callable[[], None]) -> Iterator[None]:
    """Inside a lifespan: `do` is done in the moment of the signal. The lifespan itself hears of it
    only when the last request under way was answered."""
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        do()
        then = before[signal.Signals(number)]
        if callable(then):
            then(number, frame)

    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, then in before.items():
            signal.signal(number, then)


@asynccontextmanager
async def metrics_beside(settings: Settings) -> AsyncIterator[None]:
    """Serve metrics on their own port beside a public one, when the settings name it."""
    if settings.metrics_port is None:
        yield
        return
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(metrics_router())
    server = uvicorn.Server(_config(app, settings.http_host, settings.metrics_port))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined] # one handler a process is enough
    async with AsyncExitStack() as stack:
        task = asyncio.create_task(server._serve())  # noqa: SLF001 - `serve` would catch signals
        stack.callback(task.cancel)
        yield
        server.should_exit = True
        await task


class _State:
    failed = False


def _config(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        lifespan="on",
        access_log=False,  # it would print query strings, an OAuth code among them
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=REQUEST_SECONDS,
    )


def _run(app: FastAPI, host: str, port: int) -> None:
    # uvicorn raises the signal that ended it once more; a drained process shall exit 0.
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    server = uvicorn.Server(_config(app, host, port))
    server.run()
    sys.stdout.flush()
    if _State.failed or not server.started:
        sys.exit(1 if _State.failed else 3)
