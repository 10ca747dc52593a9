"""Yandex OAuth's `/authorize`: the request is checked before a person is asked."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.responses import RedirectResponse, Response

from sandbox import minting
from sandbox.consent import Ask, Decision
from sandbox.yandex_errors import RefusedError, page
from sandbox.yandex_state import Code, YandexState

REGISTERED = ("login:info", "login:email", "login:avatar", "zen:write", "zen:read")
CODE_LIFE = 600.0
CODE_LENGTH = 16
DEVICE_ID = re.compile(r"[\x20-\x7e]{6,50}")
CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Authorize:
    """One request to `/authorize`."""

    def __init__(self, state: YandexState, params: dict[str, str]) -> None:
        self._state = state
        self._world = state.world
        self._params = params
        self._redirect_uri = ""

    def answer(self, *, denied: bool = False) -> Response:
        """A page, the consent page, or a redirect back to the app."""
        settings = self._world.settings
        if self._params.get("client_id") != settings.yandex_client_id:
            return page("Неизвестное приложение (client_id).")
        own = settings.yandex_redirect_uri
        self._redirect_uri = self._params.get("redirect_uri", own)
        if self._redirect_uri not in settings.redirect_uris(own):
            return page("redirect_uri не совпадает с Callback URL, указанным в приложении.")
        try:
            scopes = self._check()
        except RefusedError as refused:
            return self._back(error=refused.error, error_description=refused.description)
        if denied:
            return self._denied()
        users = tuple((user.id, user.name) for user in self._state.users.values())
        finish = self._finish
        return self._world.consents.ask(Ask("Yandex", "Clipcast", scopes, users, finish))

    def _check(self) -> tuple[str, ...]:
        params = self._params
        if params.get("response_type") != "code":
            raise RefusedError("unauthorized_client", "response_type must be code")
        if len(params.get("state", "")) > 1024:
            raise RefusedError("invalid_request", "state is too long")
        if "device_id" in params and not DEVICE_ID.fullmatch(params["device_id"]):
            raise RefusedError("invalid_request", "device_id must have 6 to 50 ASCII characters")
        if len(params.get("device_name", "")) > 100:
            raise RefusedError("invalid_request", "device_name is too long")
        self._check_challenge()
        asked = (params.get("scope", "") + " " + params.get("optional_scope", "")).split()
        if not set(REGISTERED).issuperset(asked):
            raise RefusedError("invalid_scope", "scope is not registered for this app")
        return tuple(dict.fromkeys(asked)) or REGISTERED

    def _check_challenge(self) -> None:
        if "code_challenge" not in self._params:
            return
        if self._params.get("code_challenge_method", "plain") not in {"S256", "plain"}:
            raise RefusedError("invalid_request", "code_challenge_method must be S256 or plain")
        if not CHALLENGE.fullmatch(self._params["code_challenge"]):
            raise RefusedError("invalid_request", "code_challenge is invalid")

    def _finish(self, decision: Decision) -> Response:
        if not decision.allowed:
            return self._denied()
        asked = self._check()
        code = minting.letters(CODE_LENGTH)
        self._state.codes[code] = Code(
            app=self._params["client_id"],
            user=decision.account,
            scopes=tuple(scope for scope in asked if scope in decision.scopes),
            asked=asked,
            expires_at=self._world.clock.time() + CODE_LIFE,
            device_id=self._params.get("device_id"),
            challenge=self._params.get("code_challenge"),
            method=self._params.get("code_challenge_method", "plain"),
        )
        return self._back(code=code, cid=secrets.token_hex(8))

    def _denied(self) -> Response:
        return self._back(error="access_denied", error_description="User denied access")

    def _back(self, **answer: str) -> Response:
        if "state" in self._params:
            answer["state"] = self._params["state"]
        parts = urlsplit(self._redirect_uri)
        query = "&".join(filter(None, (parts.query, urlencode(answer))))
        return RedirectResponse(urlunsplit(parts._replace(query=query)), 302)
