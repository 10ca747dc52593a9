"""Yandex OAuth and login.yandex.ru, with the assumed Дзен contract that their tokens open."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.journal import entry_of
from sandbox.received import read_all, received_of
from sandbox.steps import ordered, run_step
from sandbox.world import AccountMaker, World
from sandbox.yandex_authorize import REGISTERED, Authorize
from sandbox.yandex_errors import RefusedError
from sandbox.yandex_state import User, YandexState
from sandbox.yandex_token import ROTATES, TokenEndpoint

PLATFORM = "yandex"
REFUSALS: dict[str, Callable[[], Response]] = {
    "token_refused": RefusedError("invalid_grant", "expired_token").answer,
    "invalid_client": RefusedError("invalid_client", "Client not found").answer,
    "rate_limited": partial(JSONResponse, {"error": "too_many_requests"}, 429),
}
INFO_REFUSALS: dict[str, Callable[[], Response]] = {
    "token_refused": partial(Response, status_code=401),
    "rate_limited": partial(JSONResponse, {"error": "too_many_requests"}, 429),
}
STEPS = {
    "authorize": ("access_denied",),
    "token": tuple(REFUSALS),
    "refresh": tuple(REFUSALS),
    "revoke": tuple(REFUSALS),
    "info": tuple(INFO_REFUSALS),
}


class YandexAccount(BaseModel):
    """Overrides of `POST /_accounts`. With an `id` of before, it changes that user."""

    model_config = ConfigDict(extra="forbid")
    id: str | None = Field(default=None, pattern="^[0-9]{16}$")
    login: str | None = None
    name: str = "Тест Тестов"
    channel: bool = True
    channel_blocked: bool = False
    token: bool = True  # issue a pair at once
    scopes: list[str] = list(REGISTERED)
    device_id: str | None = "sandbox-device"


def make_account(state: YandexState, order: YandexAccount) -> dict[str, Any]:
    """Create the user; answers ids and tokens."""
    user_id = order.id or state.next_user_id()
    known = state.users.get(user_id)
    channel = (known.channel if known else None) or secrets.token_hex(12)
    user = User(
        id=user_id,
        login=order.login or f"user{user_id[-6:]}",
        name=order.name,
        channel=channel if order.channel else None,
        channel_blocked=order.channel_blocked,
    )
    state.add_user(user)
    answer: dict[str, Any] = {
        "platform": PLATFORM,
        "account": user.id,
        "id": user.id,
        "login": user.login,
        "name": user.name,
        "channel": user.channel,
    }
    if order.token:
        session = state.start(
            user=user.id,
            app=state.world.settings.yandex_client_id,
            scopes=order.scopes,
            device_id=order.device_id,
        )
        answer["access_token"], answer["refresh_token"] = session.access, session.refresh[-1]
    return answer


def routes(state: YandexState) -> APIRouter:
    """`/yandex-oauth` and `/yandex-login`."""
    world = state.world
    world.faults.declare(PLATFORM, STEPS)
    world.switches.declare(ROTATES, "a refresh ends all older refresh tokens")
    maker = AccountMaker(YandexAccount, partial(make_account, state))
    world.accounts[PLATFORM] = maker
    world.expiries[PLATFORM] = state.expire
    router = APIRouter()
    _oauth(router, world, state)

    @router.get("/yandex-login/info")
    async def info(request: Request) -> Response:
        async def act() -> Response:
            await read_all(request)
            return login_info(state, request)

        return await run_step(world, request, PLATFORM, "info", act, INFO_REFUSALS)

    return router


def _oauth(router: APIRouter, world: World, state: YandexState) -> None:
    tokens = TokenEndpoint(state)

    @router.get("/yandex-oauth/authorize")
    async def authorize(request: Request) -> Response:
        async def act() -> Response:
            received = await read_all(request)
            denied = ordered(request) == "access_denied"
            return Authorize(state, received.params()).answer(denied=denied)

        return await run_step(world, request, PLATFORM, "authorize", act)

    @router.post("/yandex-oauth/token")
    async def token(request: Request) -> Response:
        grant = dict((await read_all(request)).form).get("grant_type")
        match grant:
            case "authorization_code":
                return await _step(world, request, "token", tokens.exchange)
            case "refresh_token":
                return await _step(world, request, "refresh", tokens.refresh)
            case None:
                return RefusedError("invalid_request", "grant_type not specified").answer()
        return RefusedError("unsupported_grant_type", f"Unknown grant_type {grant}").answer()

    @router.post("/yandex-oauth/revoke_token")
    async def revoke(request: Request) -> Response:
        await read_all(request)
        return await _step(world, request, "revoke", tokens.revoke)


async def _step(
    world: World, request: Request, step: str, handle: Callable[[Request], dict[str, Any]]
) -> Response:
    async def act() -> Response:
        if received_of(request).kind != "application/x-www-form-urlencoded":
            return RefusedError("invalid_request", "Body is not a form").answer()
        try:
            return JSONResponse(handle(request))
        except RefusedError as refused:
            return refused.answer()

    return await run_step(world, request, PLATFORM, step, act, REFUSALS)


def login_info(state: YandexState, request: Request) -> Response:
    """Who the token's user is, by the scopes granted; a dead token gets an empty 401."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    session = state.by_access(token) if scheme.lower() in {"oauth", "bearer"} else None
    if session is None:
        return Response(status_code=401)
    user = state.users[session.user]
    entry_of(request).account = user.id
    shown: dict[str, Any] = {
        "id": user.id,
        "login": user.login,
        "client_id": session.app,
        "psuid": f"1.AA{user.id}.{session.app[:8]}",
    }
    if "login:email" in session.scopes:
        email = f"{user.login}@yandex.ru"
        shown |= {"default_email": email, "emails": [email]}
    if "login:info" in session.scopes:
        first, _, last = user.name.partition(" ")
        shown |= {
            "real_name": user.name,
            "display_name": user.login,
            "first_name": first,
            "last_name": last,
            "sex": None,
        }
    if "login:avatar" in session.scopes:
        shown |= {"default_avatar_id": "0/0-0", "is_avatar_empty": True}
    return JSONResponse(shown)
