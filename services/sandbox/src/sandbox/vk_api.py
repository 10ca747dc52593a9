"""VK API's front: who calls, may they, how often; then the method, then the envelope."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.journal import Entry, entry_of
from sandbox.received import Received, read_all
from sandbox.steps import ordered, run_step
from sandbox.vk_call import Call
from sandbox.vk_errors import (
    EXPIRED,
    NO_SCOPE,
    REFUSALS,
    ApiError,
    VkJson,
    captcha,
    edge_429,
    envelope,
)
from sandbox.vk_limits import Limits
from sandbox.vk_methods import GLOBAL_PARAMS, METHODS, Method
from sandbox.vk_people import People, Token
from sandbox.vk_people_methods import PeopleMethods
from sandbox.vk_video_methods import VideoMethods
from sandbox.vk_wall import Wall
from sandbox.vk_wall_methods import WallMethods

PLATFORM = "vk"
OLDEST_VERSION = (5, 81)


class Api:
    """`/method/{section.method}`."""

    def __init__(
        self,
        people: People,
        limits: Limits,
        wall: Wall,
        who: PeopleMethods,
        video: VideoMethods,
        walls: WallMethods,
    ) -> None:
        self._people = people
        self._world = people.world
        self._limits = limits
        self._wall = wall
        self._handlers: dict[str, Callable[[Call], Any]] = {
            "users.get": who.users_get,
            "account.getAppPermissions": who.get_app_permissions,
            "groups.get": who.groups_get,
            "video.save": video.save,
            "video.get": video.get,
            "video.search": video.search,
            "video.edit": video.edit,
            "video.delete": video.delete,
            "video.restore": video.restore,
            "wall.post": walls.post,
            "wall.get": walls.get,
        }

    async def answer(self, request: Request, method: str) -> Response:
        """One API call, HTTP 200 whatever comes of it."""
        received = await read_all(request)
        params = received.params()
        known = self._people.tokens.get(_sent_token(request, params))
        entry_of(request).account = str(known.owner) if known else None
        act = partial(self._act, request, received, method, params)
        if method not in METHODS:
            entry_of(request).platform = PLATFORM  # no step: it cannot be made to fail further
            return await act()
        own: dict[str, Callable[[], Response]] = {
            kind: partial(envelope, ApiError(code, message, subcode), method, params)
            for kind, (code, message, subcode) in REFUSALS.items()
        }
        origin = self._world.settings.origin
        validation = ApiError(17, redirect_uri=f"{origin}/vk/security_check")
        own["captcha"] = partial(envelope, captcha(origin), method, params)
        own["validation"] = partial(envelope, validation, method, params)
        own["rate_limited_no_delay"] = edge_429
        return await run_step(self._world, request, PLATFORM, method, act, own)

    async def _act(
        self, request: Request, received: Received, method: str, params: dict[str, str]
    ) -> Response:
        entry = entry_of(request)
        try:
            call = self._admit(request, method, params)
            answer = self._handlers[method](call)
            if call.fault == "internal_error_after":
                raise ApiError(10)
            return VkJson({"response": answer})
        except ApiError as error:
            return envelope(error, method, params)
        finally:
            self._warn(entry, received, method, params)

    def _admit(self, request: Request, method: str, params: dict[str, str]) -> Call:
        known = METHODS.get(method)
        if known is None:
            raise ApiError(3)
        _check_version(params.get("v", ""))
        token = self._token(_sent_token(request, params))
        user = self._people.users.get(token.owner)
        if user is not None and user.deactivated:
            raise ApiError(18)
        self._check_right(token, known)
        guid = params.get("guid", "")
        owner = params.get("owner_id") or str(token.owner)
        repeated = method == "wall.post" and self._wall.knows(owner, guid)
        self._limits.check(token, method, params, repeated=repeated)
        if user is not None and user.banned and method in ("video.save", "wall.post"):
            raise ApiError(13000)
        return Call(method, params, token, user, entry_of(request), ordered(request))

    def _token(self, sent: str) -> Token:
        if not sent:
            raise ApiError(5, "User authorization failed: no access_token passed.")
        token = self._people.tokens.get(sent)
        if token is None or token.revoked:
            raise ApiError(5)
        if self._people.expired(token):
            raise ApiError(5, EXPIRED, 1117)
        return token

    @staticmethod
    def _check_right(token: Token, method: Method) -> None:
        if token.of_community and not method.community:
            raise ApiError(27)
        if method.right is not None and method.right not in token.scopes:
            raise ApiError(15, NO_SCOPE, 1133)

    @staticmethod
    def _warn(entry: Entry, received: Received, method: str, params: dict[str, str]) -> None:
        if "access_token" in dict(received.query):
            entry.warn("the access token in the URL ends in logs")
        if received.kind == "application/json":
            entry.warn("VK reads no JSON bodies")
        known = METHODS.get(method)
        if known is not None:
            for name in sorted(set(params) - known.params - GLOBAL_PARAMS):
                entry.warn(f"{method} has no parameter {name}; it was ignored")


def _sent_token(request: Request, params: dict[str, str]) -> str:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else params.get("access_token", "")


def _check_version(version: str) -> None:
    if not version:
        raise ApiError(8, "Invalid request: v (version) is required")
    major, _, minor = version.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise ApiError(8, "Invalid request: v (version) is invalid")
    if (int(major), int(minor)) < OLDEST_VERSION:
        raise ApiError(8, "Invalid request: versions below 5.81 are deprecated")
