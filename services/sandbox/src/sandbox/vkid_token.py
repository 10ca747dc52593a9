"""VK ID's `/oauth2/auth`: codes and refresh tokens against new pairs, PKCE and device verified."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any

import jwt

from sandbox.received import Received
from sandbox.vk_people import People, Token
from sandbox.vkid_errors import RefusedError
from sandbox.vkid_sessions import ACCESS_LIFE, Session, Sessions

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
ID_TOKEN_KEY = b"sandbox-id-token-key-nobody-verifies"


def challenge_of(verifier: str) -> str:
    """base64url(SHA-256(verifier)) without padding (RFC 7636, S256)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class TokenEndpoint:
    """Most parameters may stand in the query; the secret ones only in the body."""

    def __init__(self, people: People, sessions: Sessions) -> None:
        self._people = people
        self._world = people.world
        self._sessions = sessions

    def exchange(self, received: Received) -> dict[str, Any]:
        """grant_type=authorization_code. The code is spent by any attempt that names it."""
        params = received.params()
        secret = in_body(received, "code")
        self._require(params, "device_id", "redirect_uri", "state")
        code = self._sessions.codes.get(secret)
        if code is None or code.app != params["client_id"]:
            raise RefusedError("invalid_grant", "code is invalid")
        if code.session is not None:
            used_by = self._sessions.get(code.session)
            if used_by is not None and self._family_dies():
                self._sessions.end(used_by)
            raise RefusedError("invalid_grant", "code was already used")
        code.session = "spent"
        verifier = params.get("code_verifier", "")
        if not VERIFIER.fullmatch(verifier):
            raise RefusedError("invalid_request", "code_verifier is missing or invalid")
        right = (
            hmac.compare_digest(challenge_of(verifier), code.challenge)
            and params["device_id"] == code.device_id
            and params["redirect_uri"] == code.redirect_uri
            and self._world.clock.time() < code.expires_at
        )
        if not right:
            raise RefusedError(
                "invalid_grant", "code is expired or does not belong to this request"
            )
        session, token = self._sessions.start(code)
        return self._answer(session, token, params["state"]) | {"id_token": self._id_token(token)}

    def refresh(self, received: Received) -> dict[str, Any]:
        """grant_type=refresh_token. Rotates; the token sent is dead afterwards."""
        params = received.params()
        secret = in_body(received, "refresh_token")
        self._require(params, "device_id", "state")
        session, live = self._sessions.by_refresh(secret)
        if session is None or session.app != params["client_id"]:
            raise RefusedError("invalid_grant", "refresh_token is invalid")
        if not live:
            if secret in session.used and self._family_dies():
                self._sessions.end(session)
            raise RefusedError("invalid_grant", "refresh_token is expired or was already used")
        if params["device_id"] != session.device_id:
            raise RefusedError("invalid_grant", "device_id does not match")
        if not set(session.scopes).issuperset(params.get("scope", "").split()):
            raise RefusedError("invalid_scope", "scope was not granted")
        return self._answer(session, self._sessions.rotate(session), params["state"])

    def _family_dies(self) -> bool:
        return self._world.switches.is_on("vkid_reuse_revokes_family")

    def _require(self, params: dict[str, str], *names: str) -> None:
        if params.get("client_id") != self._world.settings.vk_publish_client_id:
            raise RefusedError("invalid_client", "client_id is unknown")
        for name in names:
            if not params.get(name):
                raise RefusedError("invalid_request", f"{name} is missing")

    def _answer(self, session: Session, token: Token, state: str) -> dict[str, Any]:
        return {
            "access_token": token.value,
            "refresh_token": session.refresh_token,
            "token_type": "Bearer",
            "expires_in": int(ACCESS_LIFE),
            "user_id": session.user,
            "state": state,
            "scope": " ".join(session.scopes),
        }

    def _id_token(self, token: Token) -> str:
        now = int(self._world.clock.time())
        claims = {"iss": "VK", "sub": str(token.owner), "app": token.app, "iat": now}
        return jwt.encode(claims, ID_TOKEN_KEY, algorithm="HS256")


def in_body(received: Received, name: str) -> str:
    """A secret: refused when it is missing or anywhere in the URL."""
    if name in dict(received.query):
        raise RefusedError("invalid_request", f"{name} must be sent in the body")
    value = dict(received.form).get(name)
    if not value:
        raise RefusedError("invalid_request", f"{name} is missing")
    return value
