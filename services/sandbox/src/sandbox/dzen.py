"""The assumed Дзен contract over HTTP: who is let in, how fast, and which faults there are."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.dzen_calls import CONFLICT, REJECTED, Calls
from sandbox.dzen_errors import RefusedError, rate_limited, unauthorized
from sandbox.dzen_state import Pace
from sandbox.journal import entry_of
from sandbox.received import read_all
from sandbox.steps import run_step
from sandbox.world import AccountMaker, World
from sandbox.yandex import YandexAccount, make_account
from sandbox.yandex import routes as yandex_routes
from sandbox.yandex_state import User, YandexState

PLATFORM = "dzen"
Handle = Callable[[User, Request], dict[str, Any] | None]
REFUSALS: dict[str, Callable[[], Response]] = {
    "token_refused": unauthorized().answer,
    "rate_limited": rate_limited(2).answer,
    "forbidden": RefusedError(403, "forbidden", "the channel is blocked").answer,
    "not_found": RefusedError(404, "not_found", "video not found").answer,
}
PUBLISH_REFUSALS = REFUSALS | {
    "moderation": RefusedError(422, "moderation", "refused by moderation").answer,
}


def install(world: World) -> APIRouter:
    """Yandex and Дзен on one state: the tokens of one open the other."""
    state = YandexState(world)
    calls, gate = Calls(world), Gate(world, state)
    world.switches.declare(
        CONFLICT, "a second publish is 409 already_published, not the same again"
    )
    world.accounts[PLATFORM] = AccountMaker(YandexAccount, partial(make_account, state))
    world.expiries[PLATFORM] = state.expire
    world.moderators[PLATFORM] = calls.moderate
    video = "/publisher/videos/{video_id}"
    table: tuple[tuple[str, str, str, Handle], ...] = (
        ("GET", "/publisher/me", "me", calls.me),
        ("POST", "/publisher/videos", "draft", calls.draft),
        ("PUT", "/upload/{key}", "upload", calls.upload),
        ("POST", f"{video}/publish", "publish", calls.publish),
        ("GET", video, "status", calls.status),
        ("GET", "/publisher/videos", "list", calls.listed),
        ("PATCH", video, "edit", calls.edit),
        ("DELETE", video, "delete", calls.delete),
        ("GET", f"{video}/stats", "stats", calls.stats),
    )
    router = APIRouter()
    router.include_router(yandex_routes(state))
    for verb, path, step, handle in table:
        router.add_api_route(f"/dzen{path}", _endpoint(world, gate, step, handle), methods=[verb])
    steps = {step: tuple(REFUSALS) for _, _, step, _ in table}
    world.faults.declare(PLATFORM, steps | {"publish": (*PUBLISH_REFUSALS, REJECTED)})
    return router


class Gate:
    """Lets a request in by its token, its channel and its account's pace."""

    def __init__(self, world: World, state: YandexState) -> None:
        self._world = world
        self._state = state
        self.reset()
        world.on_reset(self.reset)

    def reset(self) -> None:
        """Forget what was counted."""
        self._pace = Pace(self._world.settings.dzen_calls_per_second)

    def user_of(self, request: Request, step: str) -> User:
        """Whose channel it is."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        session = self._state.by_access(token) if scheme == "OAuth" else None
        if session is None:
            raise unauthorized()
        user = self._state.users[session.user]
        entry_of(request).account = user.id
        if "zen:write" not in session.scopes:
            raise RefusedError(403, "forbidden", "scope zen:write is missing")
        if user.channel is None or user.channel_blocked:
            raise RefusedError(403, "forbidden", "no channel, or it is blocked")
        # Bytes to the upload address are no call of the API.
        if step != "upload" and (wait := self._pace.wait(user.id, self._world.clock.time())):
            raise rate_limited(max(1, math.ceil(wait)))
        return user


def _endpoint(
    world: World, gate: Gate, step: str, handle: Handle
) -> Callable[[Request], Awaitable[Response]]:
    refusals = PUBLISH_REFUSALS if step == "publish" else REFUSALS

    async def endpoint(request: Request) -> Response:
        async def act() -> Response:
            await read_all(request)
            try:
                answer = handle(gate.user_of(request, step), request)
            except RefusedError as refused:
                return refused.answer()
            return Response(status_code=204) if answer is None else JSONResponse(answer)

        return await run_step(world, request, PLATFORM, step, act, refusals)

    return endpoint
