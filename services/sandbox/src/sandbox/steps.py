"""The one way a simulated call runs: noted, then failing as ordered or really acting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from sandbox import breakage, echoing
from sandbox.faults import ACTS_FIRST, General
from sandbox.journal import entry_of
from sandbox.received import read_all
from sandbox.world import World


async def run_step(
    world: World,
    request: Request,
    platform: str,
    step: str,
    act: Callable[[], Awaitable[Response]],
    own: Mapping[str, Callable[[], Response]] | None = None,
) -> Response:
    """Run one step of a platform.

    `act` reads the request and answers it. `own` are the platform's own ways to fail instead of
    acting, by kind. A kind that is neither general nor in `own` is left to `act`, which asks
    `ordered(request)`.
    """
    entry = entry_of(request)
    entry.platform, entry.step = platform, step
    await asyncio.sleep(world.settings.latency_seconds)
    fault = world.faults.take(platform, step)
    if fault is None:
        return await act()
    entry.fault = fault.kind
    silence = fault.seconds or world.settings.hang_seconds
    if fault.kind not in set(General):
        if own is None or fault.kind not in own:
            return await act()
        await read_all(request)
        return own[fault.kind]()
    kind = General(fault.kind)
    if kind is General.ECHO:
        return await echoing.repeat(platform, step, request)
    if kind not in ACTS_FIRST:
        return await breakage.instead(kind, request, silence)
    slowness = fault.seconds or world.settings.slow_seconds
    return breakage.spoil(kind, await act(), silence, slowness)


def ordered(request: Request) -> str | None:
    """The fault ordered for this call, for the handlers that fail in their own way."""
    return entry_of(request).fault
