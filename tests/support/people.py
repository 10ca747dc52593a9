"""Tokens as the host product would issue them."""

import time
from typing import Any

import jwt

JWT_SECRET = "5f0c2a9d1e7b48366b1d9e0f4a7c3825"


def token(user: str, plan: str | None = "pro", **claims: Any) -> str:
    """A JWT of this user; `claims` replace or add, None removes."""
    now = int(time.time())
    usual = {"sub": user, "plan": plan, "aud": "clipcast", "iat": now, "exp": now + 3600}
    given = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(given, JWT_SECRET, algorithm="HS256")


def bearer(user: str, plan: str | None = "pro", **claims: Any) -> dict[str, str]:
    """The header that proves this user."""
    return {"Authorization": f"Bearer {token(user, plan, **claims)}"}
