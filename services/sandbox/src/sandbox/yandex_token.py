"""Yandex OAuth's `/token` and `/revoke_token`: Basic wins, an early refresh changes little."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
from typing import Any

from starlette.requests import Request

from sandbox.journal import entry_of
from sandbox.received import Received, received_of
from sandbox.vkid_token import challenge_of
from sandbox.yandex_authorize import CODE_LENGTH
from sandbox.yandex_errors import RefusedError, invalid_grant
from sandbox.yandex_state import LIFE, Code, Session, YandexState, new_access, new_refresh

Json = dict[str, Any]
ROTATES = "yandex_refresh_rotates"


class TokenEndpoint:
    """Everything an app does with its secret."""

    def __init__(self, state: YandexState) -> None:
        self._state = state
        self._world = state.world

    def exchange(self, request: Request) -> Json:
        """grant_type=authorization_code. The code is spent by any attempt that names it."""
        form, app = dict(received_of(request).form), self._app(request)
        text = form.get("code", "")
        if len(text) != CODE_LENGTH:
            raise RefusedError("bad_verification_code", "Invalid code")
        code = self._state.codes.pop(text, None)
        if code is None or code.app != app or self._world.clock.time() >= code.expires_at:
            raise invalid_grant("Code has expired")
        _verify(code, form.get("code_verifier"))
        device_id = code.device_id
        if device_id is None:
            device_id = form.get("device_id")
        elif form.get("device_id", device_id) != device_id:
            # Documented: a device named at authorize wins and this one is ignored.
            entry_of(request).warn("device_id differs from the one of /authorize and is ignored")
        session = self._state.start(
            user=code.user, app=app, scopes=list(code.scopes), device_id=device_id
        )
        entry_of(request).account = code.user
        answer = self._answer(session)
        if set(code.scopes) != set(code.asked):
            answer["scope"] = " ".join(code.scopes)
        return answer

    def refresh(self, request: Request) -> Json:
        """grant_type=refresh_token. In the first half of its life the access token stays."""
        app, token = self._app(request), dict(received_of(request).form).get("refresh_token", "")
        session = self._state.by_refresh(token)
        if session is None or session.app != app:
            raise invalid_grant("expired_token")
        now = self._world.clock.time()
        # Old refresh tokens go on working: a lost answer does not cost the connection.
        older = [] if self._world.switches.is_on(ROTATES) else session.refresh
        change: Json = {"refresh": [*older, new_refresh()], "refresh_until": now + LIFE}
        if session.access_until - now < LIFE / 2:
            change |= {"access": new_access(), "access_until": now + LIFE}
        renewed = session.model_copy(update=change)
        self._state.save(renewed)
        entry_of(request).account = session.user
        return self._answer(renewed)

    def revoke(self, request: Request) -> Json:
        """Only tokens that were issued for a device can be revoked."""
        app, token = self._app(request), dict(received_of(request).form).get("access_token", "")
        if not token:
            raise RefusedError("invalid_request", "access_token not specified")
        session = self._state.by_access(token)
        if session is None or session.app != app:
            raise invalid_grant("Token is invalid or expired")
        if session.device_id is None:
            raise RefusedError("unsupported_token_type", "Token is not bound to a device")
        self._state.save(session.model_copy(update={"revoked": True}))
        entry_of(request).account = session.user
        return {"status": "ok"}

    def _answer(self, session: Session) -> Json:
        return {
            "token_type": "bearer",
            "access_token": session.access,
            "expires_in": math.ceil(session.access_until - self._world.clock.time()),
            "refresh_token": session.refresh[-1],
        }

    def _app(self, request: Request) -> str:
        client_id, secret = _credentials(request, received_of(request))
        settings = self._world.settings
        if client_id != settings.yandex_client_id:
            raise RefusedError("invalid_client", "Client not found")
        right = settings.yandex_client_secret.get_secret_value()
        if not hmac.compare_digest(secret.encode(), right.encode()):
            raise RefusedError("invalid_client", "Wrong client secret")
        return client_id


def _verify(code: Code, verifier: str | None) -> None:
    if code.challenge is None:
        return
    if not verifier:
        raise invalid_grant("Code verifier is required")
    shown = challenge_of(verifier) if code.method == "S256" else verifier
    if not hmac.compare_digest(shown.encode(), code.challenge.encode()):
        raise invalid_grant("Code verifier does not match")


def _credentials(request: Request, received: Received) -> tuple[str, str]:
    header = request.headers.get("authorization")
    if header is None:
        form = dict(received.form)
        if "client_id" not in form:
            raise RefusedError("invalid_client", "Basic auth required", 401)
        return form["client_id"], form.get("client_secret", "")
    scheme, _, encoded = header.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if scheme.lower() != "basic" or not colon:
        raise RefusedError("invalid_client", "Malformed Authorization header", 401)
    return client_id, secret
