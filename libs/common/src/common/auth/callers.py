"""People: a bearer JWT of the host product, verified against one fixed list of algorithms."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
from pydantic import SecretStr

from common.contracts.words import Plan

AUDIENCE = "clipcast"
LEEWAY_SECONDS = 30
MAX_TOKEN = 8192
REFETCH_SECONDS = 60.0
AFTER_FAILURE_SECONDS = 5.0
KEYS_LIVE_SECONDS = 600.0
"""A key that the host product withdrew is believed for no longer."""


class Unauthorized(Exception):
    """The token is missing, malformed, expired or not for us. Which one is nobody's business."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `issued_at` tells whether the plan is newer than the latest PlanChanged.

    Instants are seconds since 1970.
    """

    user_id: str
    plan: Plan
    operator: bool
    issued_at: float
    expires_at: float


class Verifier:
    """Verifies with the shared secret, or with the keys that `AUTH_JWKS_URL` publishes."""

    def __init__(
        self, *, secret: SecretStr | None, jwks_url: str | None, issuer: str | None
    ) -> None:
        if (secret is None) == (jwks_url is None):
            raise ValueError("set exactly one of AUTH_JWT_SECRET and AUTH_JWKS_URL")
        self._secret = secret
        self._jwks = Keys(jwks_url) if jwks_url else None
        self._issuer = issuer

    async def verify(self, token: str) -> Caller:
        """Raises Unauthorized."""
        if not token or len(token) > MAX_TOKEN:
            raise Unauthorized
        try:
            claims = await self._claims(token)
        except (jwt.PyJWTError, ValueError, KeyError):
            raise Unauthorized from None
        user = claims["sub"]
        if not isinstance(user, str) or not 0 < len(user) <= 200:
            raise Unauthorized
        issued = claims.get("iat")
        return Caller(
            user_id=user,
            plan=Plan.parse(claims.get("plan")),
            operator=claims.get("role") == "operator",
            issued_at=float(issued) if isinstance(issued, int | float) else 0.0,
            expires_at=float(claims["exp"]),
        )

    async def _claims(self, token: str) -> dict[str, Any]:
        if self._secret is not None:
            key: Any = self._secret.get_secret_value()
            algorithms = ["HS256"]
        else:
            assert self._jwks is not None  # noqa: S101 - the constructor allows no third case
            header = jwt.get_unverified_header(token)
            key = await self._jwks.get(str(header.get("kid", "")))
            algorithms = ["RS256", "ES256", "EdDSA"]
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience=AUDIENCE,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["sub", "exp", "aud"]},
        )
        return claims


class KeysUnavailable(OSError):
    """The host product's keys can't be had now; nobody can be told apart from anybody."""


class Keys:
    """The host product's public keys: fetched again when they are old, or one is unknown.

    An unknown key id causes at most one fetch a minute; a failed fetch is tried again soon, and
    keys that are still young enough go on being used meanwhile.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, Any] = {}
        self._fresh_until = 0.0
        self._ask_again_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> Any:  # noqa: ANN401 - pyjwt's key types differ by algorithm
        """The key with this id. Raises KeyError when there is none, or KeysUnavailable."""
        async with self._lock:
            now = time.monotonic()
            old = now >= self._fresh_until
            if (old or kid not in self._keys) and now >= self._ask_again_at:
                await self._fetch(now)
            elif old:
                raise KeysUnavailable
        return self._keys[kid]

    async def _fetch(self, now: float) -> None:
        self._ask_again_at = now + AFTER_FAILURE_SECONDS
        try:
            async with httpx.AsyncClient(
                timeout=5, follow_redirects=False, trust_env=False
            ) as client:
                answer = await client.get(self._url)
            answer.raise_for_status()
            found = jwt.PyJWKSet.from_dict(answer.json())
        except (httpx.HTTPError, jwt.PyJWTError, ValueError):
            if now >= self._fresh_until:
                raise KeysUnavailable from None
            return
        self._keys = {key.key_id: key.key for key in found.keys if key.key_id}
        self._fresh_until = now + KEYS_LIVE_SECONDS
        self._ask_again_at = now + REFETCH_SECONDS
