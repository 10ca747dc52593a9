"""What services that people call ask others for: who people are, and tokens of oauth-gateway."""

from collections.abc import AsyncIterator

from common.auth.keys import Keys, KeysUnavailable
from common.auth.services import parse_tokens
from common.doctor.finding import Check, Finding
from common.http.internal import ServiceUnavailable
from common.neighbours import GATEWAY, NeighbourSettings

NO_ID = "doctor"
"""Refused for its form alone, so nothing is looked up, lent or written down for it."""


async def _people(settings: NeighbourSettings) -> AsyncIterator[Finding]:
    url = settings.auth_jwks_url
    if settings.auth_jwt_secret and url:
        mend = "set exactly one of AUTH_JWT_SECRET and AUTH_JWKS_URL"
        yield Finding("people's tokens", False, "both are set, and only one can hold", mend)
    elif not settings.auth_jwt_secret and not url:
        why = "no AUTH_JWT_SECRET or AUTH_JWKS_URL here: only http needs one, and says so at start"
        yield Finding("people's tokens", None, why)
    elif url is None:
        yield Finding("people's tokens", True, "checked with AUTH_JWT_SECRET")
    else:
        try:
            await Keys(url).get(NO_ID)
        except KeysUnavailable:
            mend = "AUTH_JWKS_URL: it has to answer a JSON key set with public signing keys"
            yield Finding("people's tokens", False, "no keys at AUTH_JWKS_URL", mend)
            return
        except KeyError:
            pass  # there are keys, and none is called so
        yield Finding("people's tokens", True, "AUTH_JWKS_URL answers with keys")


async def _gateway(settings: NeighbourSettings) -> AsyncIterator[Finding]:
    if settings.service not in parse_tokens(settings.service_tokens):
        mend = f"SERVICE_TOKENS: add {settings.service}=<the secret that {GATEWAY} has for it>"
        yield Finding(GATEWAY, False, "no token of ours to ask it with", mend)
        return
    client = settings.gateway()
    call = "check" if settings.service == "connections" else "access-token"
    try:
        status, _ = await client.call("POST", f"/internal/v1/credentials/{NO_ID}/{call}", {})
    except ServiceUnavailable:
        mend = f"start {GATEWAY} http, and see that OAUTH_GATEWAY_URL is its address"
        yield Finding(GATEWAY, None, "does not answer at OAUTH_GATEWAY_URL", mend)
        return
    finally:
        await client.aclose()
    match status:
        case 422:
            yield Finding(GATEWAY, True, "answers, and knows us by our token")
        case 401:
            mend = f"SERVICE_TOKENS: {settings.service}=… has to be the same here and there"
            yield Finding(GATEWAY, False, "answers, and refuses our token", mend)
        case _:
            mend = f"OAUTH_GATEWAY_URL has to be the address of {GATEWAY} http"
            yield Finding(GATEWAY, False, f"something else answers there ({status})", mend)


CHECKS: tuple[Check[NeighbourSettings], ...] = (
    Check(
        "people's tokens",
        _people,
        ("auth_jwt_secret", "auth_jwks_url"),
        "AUTH_JWKS_URL: it has to answer a JSON key set with public signing keys",
    ),
    Check(
        GATEWAY,
        _gateway,
        ("service_tokens", "oauth_gateway_url"),
        f"start {GATEWAY} http, and see that OAUTH_GATEWAY_URL is its address",
    ),
)
