"""The settings of every process of a stack: each gets its own secrets and nobody else's."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localrun.credentials import Credentials
from localrun.plan import SANDBOX
from localrun.ports import LOOPBACK

TREE = Path(__file__).parents[3]
VK_CLIENT_ID = "51000001"
YANDEX_CLIENT_ID = "5a5a0000000000000000000000000001"


@dataclass(frozen=True)
class Places:
    """Where the parts of one stack are found."""

    urls: Mapping[str, str]  # service → its HTTP address
    sandbox: str  # where the services reach the simulated platforms
    databases: Mapping[str, str]  # service → DATABASE_URL
    rabbitmq: Mapping[str, str]  # service → RABBITMQ_URL
    redis: str
    media: Path
    ledger: Path


def environment(service: str, places: Places, credentials: Credentials) -> dict[str, str]:
    """What any process of `service` needs, its ports apart."""
    return _interpreter() | (
        _sandbox(places, credentials)
        if service == SANDBOX
        else _common(service, places, credentials) | _own(service, places, credentials)
    )


def _interpreter() -> dict[str, str]:
    """Nothing of the caller's environment that could be mistaken for a setting."""
    sources = [*TREE.glob("libs/*/src"), *TREE.glob("services/*/src")]
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": ":".join(str(source) for source in sorted(sources)),
    }


def _sandbox(places: Places, credentials: Credentials) -> dict[str, str]:
    return {
        "HTTP_HOST": LOOPBACK,
        "PUBLIC_URL": places.sandbox,
        "LEDGER_FILE": str(places.ledger),
    } | _clients(places, credentials)


def _common(service: str, places: Places, credentials: Credentials) -> dict[str, str]:
    sandbox = places.sandbox
    return {
        "ENVIRONMENT": "development",
        "HTTP_HOST": LOOPBACK,
        "DATABASE_URL": places.databases[service],
        "RABBITMQ_URL": places.rabbitmq[service],
        "REDIS_URL": places.redis,
        "OAUTH_GATEWAY_URL": places.urls["oauth-gateway"],
        "SERVICE_TOKENS": _tokens(service, credentials),
        "VK_API_URL": f"{sandbox}/vk",
        "VK_ID_URL": f"{sandbox}/vkid",
        "VK_OAUTH_URL": f"{sandbox}/vk-oauth",
        "RUTUBE_URL": f"{sandbox}/rutube",
        "YANDEX_OAUTH_URL": f"{sandbox}/yandex-oauth",
        "YANDEX_LOGIN_URL": f"{sandbox}/yandex-login",
        "DZEN_API_URL": f"{sandbox}/dzen",
        "TELEGRAM_API_URL": f"{sandbox}/telegram",
    }


def _own(service: str, places: Places, credentials: Credentials) -> dict[str, str]:
    """The gateway alone holds the key of the tokens; it serves no people, so no JWT there."""
    if service == "oauth-gateway":
        return _clients(places, credentials) | {
            "PLATFORM_TOKEN_SECRET": credentials.platform_token_secret,
            "FRONTEND_URL": "http://127.0.0.1:3000",
        }
    people = {"AUTH_JWT_SECRET": credentials.auth_jwt_secret}
    if service == "publisher":
        return people | {
            "MEDIA_STORE_URL": places.media.as_uri(),
            "MEDIA_LINK_SECRET": credentials.media_link_secret,
            "PUBLIC_URL": places.urls["publisher"],
        }
    return people


def _clients(places: Places, credentials: Credentials) -> dict[str, str]:
    """The OAuth applications, as known to the gateway and to the simulated platforms."""
    callback = f"{places.urls['oauth-gateway']}/api/oauth"
    return {
        "VK_PUBLISH_CLIENT_ID": VK_CLIENT_ID,
        "VK_PUBLISH_CLIENT_SECRET": credentials.vk_client_secret,
        "VK_PUBLISH_REDIRECT_URI": f"{callback}/vk/callback",
        "YANDEX_CLIENT_ID": YANDEX_CLIENT_ID,
        "YANDEX_CLIENT_SECRET": credentials.yandex_client_secret,
        "YANDEX_REDIRECT_URI": f"{callback}/dzen/callback",
    }


def _tokens(service: str, credentials: Credentials) -> str:
    """A caller knows its own secret; the one that is called knows all."""
    known = credentials.service_tokens
    callers = known if service == "oauth-gateway" else [service]
    return ",".join(f"{caller}={known[caller]}" for caller in callers)
