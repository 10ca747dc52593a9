"""The sandbox as one ASGI app: the control plane and one router per simulated server."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from sandbox import control, dzen, rutube, telegram, vk
from sandbox.recorder import Recorder
from sandbox.world import World

# Each `install(world)` declares its faults, accounts and switches and gives its routes.
PLATFORMS: tuple[Callable[[World], APIRouter], ...] = (
    vk.install,
    rutube.install,
    telegram.install,
    dzen.install,
)


def create_app(world: World) -> ASGIApp:
    """One app over one world; the journal sees every request first."""
    app = FastAPI(title="Clipcast sandbox", redirect_slashes=False, openapi_url=None, docs_url=None)
    app.include_router(control.router(world))
    for install in PLATFORMS:
        app.include_router(install(world))
    return Recorder(app, world.journal)
