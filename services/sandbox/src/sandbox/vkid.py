"""VK ID: authorize, tokens, profile, revoke and logout, with HTTP 200 for every refusal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.journal import entry_of
from sandbox.received import Received, read_all
from sandbox.steps import ordered, run_step
from sandbox.vk_people import People, Token
from sandbox.vkid_authorize import Authorize
from sandbox.vkid_errors import RefusedError, refusal
from sandbox.vkid_sessions import Sessions
from sandbox.vkid_token import ID_TOKEN_KEY, TokenEndpoint, in_body

PLATFORM = "vkid"
REFUSALS = {
    "rate_limited": ("slow_down", "too many requests"),
    "temporarily_unavailable": ("temporarily_unavailable", "try again later"),
    "server_error": ("server_error", "internal error"),
    "invalid_client": ("invalid_client", "client_id is unknown"),
}
GRANT = {**REFUSALS, "token_refused": ("invalid_grant", "the grant is invalid")}
BEARER = {**REFUSALS, "token_refused": ("invalid_token", "access_token is invalid")}
# Inside kinds: the call acts and its answer is wrong in VK ID's own way.
AFTER = ("temporarily_unavailable_after", "missing_fields", "other_state", "other_user")
STEPS = {
    "authorize": ("access_denied",),
    "token": (*GRANT, *AFTER),
    "refresh": (*GRANT, *AFTER),
    "user_info": (*BEARER, "other_user"),
    "public_info": tuple(BEARER),
    "revoke": tuple(BEARER),
    "logout": tuple(BEARER),
}


def routes(people: People) -> APIRouter:
    """Under `/vkid`."""
    world = people.world
    world.faults.declare(PLATFORM, STEPS)
    world.switches.declare("vkid_payload_callback", "the callback has one JSON `payload`")
    world.switches.declare("vkid_reuse_revokes_family", "a reused refresh token ends its session")
    world.switches.declare("vkid_refresh_kills_access", "a refresh ends older access tokens")
    sessions = Sessions(people)
    tokens = TokenEndpoint(people, sessions)
    profile = _Profile(people, sessions)
    router = APIRouter(prefix="/vkid")

    @router.get("/authorize")
    async def authorize(request: Request) -> Response:
        async def act() -> Response:
            received = await read_all(request)
            denied = ordered(request) == "access_denied"
            return Authorize(people, sessions, received.params()).answer(denied=denied)

        return await run_step(world, request, PLATFORM, "authorize", act)

    @router.post("/oauth2/auth")
    async def auth(request: Request) -> Response:
        received = await read_all(request)
        grant = received.params().get("grant_type", "")
        if "client_secret" in received.params():
            entry_of(request).warn("client_secret is no parameter of VK ID")
        match grant:
            case "authorization_code":
                return await _step(people, request, "token", GRANT, tokens.exchange)
            case "refresh_token":
                return await _step(people, request, "refresh", GRANT, tokens.refresh)
        return refusal(
            "invalid_request", "grant_type is unsupported", received.params().get("state")
        )

    @router.post("/oauth2/{call}")
    async def bearer(request: Request, call: str) -> Response:
        handlers = {
            "user_info": profile.user_info,
            "public_info": profile.public_info,
            "revoke": profile.revoke,
            "logout": profile.logout,
        }
        if call not in handlers:
            return JSONResponse({"error": "not_found"}, 404)
        return await _step(people, request, call, BEARER, handlers[call])

    return router


async def _step(
    people: People,
    request: Request,
    step: str,
    refusals: dict[str, tuple[str, str]],
    handle: Callable[[Received], dict[str, Any]],
) -> Response:
    received = await read_all(request)
    state = received.params().get("state")

    async def act() -> Response:
        try:
            answer = handle(received)
        except RefusedError as refused:
            return refusal(refused.error, refused.description, state)
        if "user_id" in answer:
            entry_of(request).account = str(answer["user_id"])
        return _distorted(ordered(request), answer, state)

    own = {kind: partial(refusal, *said, state) for kind, said in refusals.items()}
    return await run_step(people.world, request, PLATFORM, step, act, own)


def _distorted(kind: str | None, answer: dict[str, Any], state: str | None) -> Response:
    match kind:
        case "temporarily_unavailable_after":
            return refusal("temporarily_unavailable", "try again later", state)
        case "missing_fields":
            answer.pop("refresh_token", None)
            answer.pop("user_id", None)
        case "other_state":
            answer["state"] = "somebody-elses-state-0123456789abcdef"
        case "other_user" if "user" in answer:
            answer["user"]["user_id"] = "999999"
        case "other_user":
            answer["user_id"] = 999999
    return JSONResponse(answer)


class _Profile:
    """The calls that carry an access token."""

    def __init__(self, people: People, sessions: Sessions) -> None:
        self._people = people
        self._sessions = sessions

    def user_info(self, received: Received) -> dict[str, Any]:
        token = self._token(received)
        user = self._people.users[token.owner]
        shown: dict[str, Any] = {
            "user_id": str(user.id),
            "first_name": user.first_name,
            "last_name": user.last_name,
            "avatar": f"{self._people.world.settings.origin}/vk/avatar/{user.id}.png",
            "sex": 2,
            "verified": False,
            "birthday": "01.01.2000",
        }
        if "phone" in token.scopes:
            shown["phone"] = f"7999{user.id:07d}"
        if "email" in token.scopes:
            shown["email"] = f"user{user.id}@example.com"
        return {"user": shown}

    def public_info(self, received: Received) -> dict[str, Any]:
        self._client(received)
        try:
            claims = jwt.decode(in_body(received, "id_token"), ID_TOKEN_KEY, algorithms=["HS256"])
            user = self._people.users[int(claims["sub"])]
        except (jwt.InvalidTokenError, KeyError) as error:
            raise RefusedError("invalid_id_token", "id_token is invalid") from error
        return {"user": {"first_name": user.first_name, "last_name": user.last_name[0] + "."}}

    def revoke(self, received: Received) -> dict[str, Any]:
        token = self._token(received)
        self._sessions.end_all(token.app, token.owner)
        return {"response": 1}

    def logout(self, received: Received) -> dict[str, Any]:
        token = self._token(received)
        self._people.revoke(token)
        session = self._sessions.get(token.session)
        if session is not None:
            self._sessions.end(session)
        return {"response": 1}

    def _client(self, received: Received) -> None:
        if received.params().get("client_id") != self._people.world.settings.vk_publish_client_id:
            raise RefusedError("invalid_client", "client_id is unknown")

    def _token(self, received: Received) -> Token:
        self._client(received)
        token = self._people.tokens.get(in_body(received, "access_token"))
        dead = token is None or token.revoked or self._people.expired(token)
        if token is None or dead or token.of_community:
            raise RefusedError("invalid_token", "access_token is invalid or expired")
        return token
