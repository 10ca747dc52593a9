"""People: a bearer JWT of the host product, verified against one fixed list of algorithms."""

from dataclasses import dataclass
from typing import Any

import jwt
from pydantic import SecretStr

from common.auth import form, keys
from common.contracts.words import Plan

AUDIENCE = "clipcast"
LEEWAY_SECONDS = 30
LONGEST_USER = 200


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
        self._jwks = keys.Keys(jwks_url) if jwks_url else None
        self._issuer = issuer

    async def verify(self, token: str) -> Caller:
        """Raises Unauthorized, or KeysUnavailable."""
        try:
            return _caller(await self._claims(token))
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, OverflowError):
            raise Unauthorized from None

    async def _claims(self, token: str) -> dict[str, Any]:
        header = form.read_header(token)
        if self._secret is not None:
            key: Any = self._secret.get_secret_value()
            algorithms: tuple[str, ...] = ("HS256",)
        else:
            assert self._jwks is not None  # noqa: S101 - the constructor allows no third case
            # A key with its own algorithm: what the token's header says only has to agree.
            key = await self._jwks.get(str(header.get("kid", "")))
            algorithms = keys.ALGORITHMS
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


def _caller(claims: dict[str, Any]) -> Caller:
    user, issued = claims["sub"], claims.get("iat")
    if not 0 < len(user) <= LONGEST_USER or not user.isprintable():
        raise ValueError("no user id")
    return Caller(
        user_id=user,
        plan=Plan.parse(claims.get("plan")),
        operator=claims.get("role") == "operator",
        issued_at=float(issued) if isinstance(issued, int | float) else 0.0,
        expires_at=float(claims["exp"]),
    )
