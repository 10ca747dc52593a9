"""Services: a JWT of one minute, signed with a secret that only caller and callee share."""

import time
from collections.abc import Mapping

import jwt
from pydantic import SecretStr

LIFE_SECONDS = 60


class Forbidden(Exception):
    """No service of ours signed this call."""


def parse_tokens(value: SecretStr) -> dict[str, str]:
    """Read `SERVICE_TOKENS`: `name=secret` pairs, comma separated."""
    pairs = [part.split("=", 1) for part in value.get_secret_value().split(",") if part.strip()]
    tokens = {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}
    if not tokens or len(tokens) != len(pairs) or any(len(one) < 32 for one in tokens.values()):
        raise ValueError("SERVICE_TOKENS: write name=secret pairs, secrets of 32 characters")
    return tokens


def sign(caller: str, callee: str, secret: str) -> str:
    """A token that proves `caller` to `callee` for a minute."""
    now = int(time.time())
    claims = {"iss": caller, "aud": callee, "iat": now, "exp": now + LIFE_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")


def verify(token: str, callee: str, secrets: Mapping[str, str]) -> str:
    """The caller's name. Raises Forbidden."""
    try:
        named = jwt.decode(token, options={"verify_signature": False}).get("iss")
        secret = secrets[str(named)]
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience=callee,
            leeway=5,
            options={"require": ["iss", "aud", "exp"]},
        )
    except (jwt.PyJWTError, KeyError):
        raise Forbidden from None
    return str(claims["iss"])
