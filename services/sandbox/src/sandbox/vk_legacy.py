"""VK's obsolete code flow: a client secret, tokens that never expire, and HTTP 401 for refusals."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox import minting
from sandbox.consent import Ask, Decision
from sandbox.journal import entry_of
from sandbox.received import Received, read_all
from sandbox.steps import ordered, run_step
from sandbox.vk_people import SCOPE_BITS, People
from sandbox.vkid_errors import page

PLATFORM = "vk_oauth"
STEPS = {
    "authorize": ("access_denied",),
    "token": ("token_refused", "invalid_client", "rate_limited"),
}
CODE_LIFE = 600.0
ACCESS_LIFE = 86400.0


@dataclass(frozen=True)
class Code:
    """Good for one exchange within ten minutes."""

    user: int
    redirect_uri: str
    scopes: frozenset[str]
    expires_at: float


def routes(people: People) -> APIRouter:
    """Under `/vk-oauth`."""
    world = people.world
    world.faults.declare(PLATFORM, STEPS)
    legacy = _Legacy(people)
    router = APIRouter(prefix="/vk-oauth")
    own = {
        "token_refused": lambda: _refused("invalid_grant", "Code is invalid or expired."),
        "invalid_client": lambda: _refused("invalid_client", "client_id is incorrect"),
        "rate_limited": lambda: _refused("invalid_request", "Too many requests", 429),
    }

    @router.get("/authorize")
    async def authorize(request: Request) -> Response:
        async def act() -> Response:
            params = (await read_all(request)).params()
            return legacy.authorize(params, denied=ordered(request) == "access_denied")

        return await run_step(world, request, PLATFORM, "authorize", act)

    @router.api_route("/access_token", methods=["GET", "POST"])
    async def access_token(request: Request) -> Response:
        received = await read_all(request)
        if "client_secret" in dict(received.query):
            entry_of(request).warn("client_secret in the URL ends in logs")

        async def act() -> Response:
            return legacy.exchange(received)

        return await run_step(world, request, PLATFORM, "token", act, own)

    return router


class _Legacy:
    def __init__(self, people: People) -> None:
        self._people = people
        self._world = people.world
        self._codes: dict[str, Code] = {}
        people.world.on_reset(self._codes.clear)

    def authorize(self, params: dict[str, str], *, denied: bool) -> Response:
        settings = self._world.settings
        if params.get("client_id") != settings.vk_publish_client_id:
            return page("client_id is incorrect")
        trusted = settings.redirect_uris(settings.vk_publish_redirect_uri)
        if params.get("redirect_uri") not in trusted:
            return page("redirect_uri is incorrect, check application redirect uri in the settings")
        scopes = _scopes(params.get("scope", ""))
        if params.get("response_type") != "code" or scopes is None:
            return _back(params, error="invalid_request", error_description="Invalid request")

        def finish(decision: Decision) -> Response:
            if not decision.allowed:
                return _denied(params)
            value = minting.hexadecimal(9)
            expires = self._world.clock.time() + CODE_LIFE
            user = int(decision.account)
            self._codes[value] = Code(user, params["redirect_uri"], decision.scopes, expires)
            return _back(params, code=value)

        if denied:
            return _denied(params)
        ask = Ask("VK", "Clipcast", scopes, self._people.offered(), finish)
        return self._world.consents.ask(ask)

    def exchange(self, received: Received) -> Response:
        params, settings = received.params(), self._world.settings
        if params.get("client_id") != settings.vk_publish_client_id:
            return _refused("invalid_client", "client_id is incorrect")
        secret = settings.vk_publish_client_secret.get_secret_value()
        if not hmac.compare_digest(params.get("client_secret", "").encode(), secret.encode()):
            return _refused("invalid_client", "client_secret is incorrect")
        if "redirect_uri" not in params or "code" not in params:
            return _refused("invalid_request", "code and redirect_uri are required")
        code = self._codes.pop(params["code"], None)
        if code is None or self._world.clock.time() >= code.expires_at:
            return _refused("invalid_grant", "Code is invalid or expired.")
        if params["redirect_uri"] != code.redirect_uri:
            return _refused("invalid_grant", "Redirect_uri is incorrect")
        forever = "offline" in code.scopes
        token = self._people.issue(
            code.user,
            params["client_id"],
            code.scopes,
            prefix="vk1.a.",
            lifetime=None if forever else ACCESS_LIFE,
        )
        life = 0 if forever else int(ACCESS_LIFE)
        answer = {"access_token": token.value, "expires_in": life, "user_id": code.user}
        if "email" in code.scopes:
            answer["email"] = f"user{code.user}@example.com"
        return JSONResponse(answer)


def _scopes(scope: str) -> tuple[str, ...] | None:
    """Names (comma or space separated) or one bit sum; None when a name is unknown."""
    if scope.isdecimal():
        return tuple(name for name, bit in SCOPE_BITS.items() if int(scope) & bit)
    names = tuple(dict.fromkeys(scope.replace(",", " ").split()))
    return names if all(name in SCOPE_BITS for name in names) else None


def _refused(error: str, description: str, status: int = 401) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)


def _denied(params: dict[str, str]) -> Response:
    return _back(
        params,
        error="access_denied",
        error_reason="user_denied",
        error_description="User denied your request",
    )


def _back(params: dict[str, str], **answer: str) -> Response:
    if "state" in params:
        answer["state"] = params["state"]
    parts = urlsplit(params["redirect_uri"])
    query = "&".join(filter(None, (parts.query, urlencode(answer))))
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 302)
