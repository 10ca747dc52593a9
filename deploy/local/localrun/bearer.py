"""Tokens of the host product, which a local stack has to issue itself."""

import time

import jwt

LIFE_SECONDS = 30 * 24 * 3600


def bearer(secret: str, user: str, plan: str, role: str | None = None) -> str:
    """A JWT that the gateways accept (api.md, Auth)."""
    now = int(time.time())
    claims = {"sub": user, "plan": plan, "aud": "clipcast", "iat": now, "exp": now + LIFE_SECONDS}
    return jwt.encode(claims | ({"role": role} if role else {}), secret, algorithm="HS256")
