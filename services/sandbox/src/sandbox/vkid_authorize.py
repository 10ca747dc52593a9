"""VK ID's `/authorize`: the request is checked to the letter before a person is asked."""

from __future__ import annotations

import json
import re
import secrets
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.responses import RedirectResponse, Response

from sandbox.consent import Ask, Decision
from sandbox.vk_people import SCOPE_BITS, VKID_ONLY, People
from sandbox.vkid_errors import RefusedError, page
from sandbox.vkid_sessions import CODE_LIFE, Sessions

STATE = re.compile(r"[a-zA-Z0-9_-]{32,}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
KNOWN_SCOPES = frozenset(SCOPE_BITS) | VKID_ONLY
PROMPTS = ("", "none", "login", "consent", "select_account")
PROVIDERS = ("vkid", "ok_ru", "mail_ru")


class Authorize:
    """One request to `/authorize`."""

    def __init__(self, people: People, sessions: Sessions, params: dict[str, str]) -> None:
        self._people = people
        self._world = people.world
        self._sessions = sessions
        self._params = params

    def answer(self, *, denied: bool = False) -> Response:
        """A page, the consent page, or a redirect back to the app."""
        settings = self._world.settings
        if self._params.get("client_id") != settings.vk_publish_client_id:
            return page("Приложение не найдено (client_id).")
        trusted = settings.redirect_uris(settings.vk_publish_redirect_uri)
        if self._params.get("redirect_uri") not in trusted:
            return page("redirect_uri не совпадает с доверенными адресами приложения.")
        try:
            scopes = self._check()
        except RefusedError as refused:
            return self._back(error=refused.error, error_description=refused.description)
        if denied:
            return self._denied()
        ask = Ask("VK ID", "Clipcast", scopes, self._people.offered(), self._finish)
        return self._world.consents.ask(ask)

    def _check(self) -> tuple[str, ...]:
        params = self._params
        if params.get("response_type") != "code":
            raise RefusedError("invalid_request", "response_type is invalid")
        if not STATE.fullmatch(params.get("state", "")):
            raise RefusedError("invalid_request", "state must be 32 or more of a-zA-Z0-9_-")
        if params.get("code_challenge_method", "").lower() != "s256":
            raise RefusedError("invalid_request", "code_challenge_method must be S256")
        if not CHALLENGE.fullmatch(params.get("code_challenge", "")):
            raise RefusedError("invalid_request", "code_challenge is invalid")
        if params.get("prompt", "") not in PROMPTS:
            raise RefusedError("invalid_request", "prompt is invalid")
        if params.get("provider", "vkid") not in PROVIDERS:
            raise RefusedError("invalid_request", "provider is invalid")
        scopes = params.get("scope", "").split() or ["vkid.personal_info"]
        if not KNOWN_SCOPES.issuperset(scopes):
            raise RefusedError("invalid_scope", "scope is unknown to this app")
        return tuple(dict.fromkeys(scopes))

    def _finish(self, decision: Decision) -> Response:
        if not decision.allowed:
            return self._denied()
        code = self._sessions.issue_code(
            app=self._params["client_id"],
            user=int(decision.account),
            redirect_uri=self._params["redirect_uri"],
            challenge=self._params["code_challenge"],
            scopes=decision.scopes | {"vkid.personal_info"},  # the page cannot switch this off
        )
        return self._back(
            code=code.value,
            device_id=code.device_id,
            type="code_v2",
            expires_in=str(int(CODE_LIFE)),
            ext_id=secrets.token_urlsafe(24),
        )

    def _denied(self) -> Response:
        return self._back(error="access_denied", error_description="User denied access")

    def _back(self, **answer: str) -> Response:
        if "state" in self._params:
            answer["state"] = self._params["state"]
        if self._world.switches.is_on("vkid_payload_callback"):
            answer = {"payload": json.dumps(answer)}
        parts = urlsplit(self._params["redirect_uri"])
        query = "&".join(filter(None, (parts.query, urlencode(answer))))
        return RedirectResponse(urlunsplit(parts._replace(query=query)), 302)
