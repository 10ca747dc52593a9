"""The doctor's lines about secrets, redirect URIs and our applications at the platforms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex, token_urlsafe
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from common.contracts.words import Platform
from common.db.engine import connect
from common.doctor.finding import SECONDS, Check, Finding
from common.doctor.rules import public
from oauth_gateway.app.open_vault import SecretMissing, SecretWrong, open_vault
from oauth_gateway.db.uow import GatewayUow
from oauth_gateway.settings import GatewaySettings
from oauth_gateway.starting import told
from oauth_gateway.vault.keys import Fingerprints
from platforms.errors import AccessRevoked, NotConfigured, PlatformError, Unavailable
from platforms.port import Consent
from platforms.registry import Adapters, adapters

SECRETS = "stored secrets"
NAMES = {Platform.VK: "VK_PUBLISH_REDIRECT_URI", Platform.DZEN: "YANDEX_REDIRECT_URI"}


class _Looked(Exception):
    """All was seen; what the look wrote is undone."""


async def _secrets(settings: GatewaySettings) -> AsyncIterator[Finding]:
    """The very look that every start takes, in a transaction that is rolled back."""
    ring = settings.keyring
    engine = connect(settings.database_url, "oauth-gateway-doctor", size=1)

    @asynccontextmanager
    async def begin() -> AsyncIterator[GatewayUow]:
        async with GatewayUow(engine) as work:
            for key in ring.ids:
                sealed[key] = await work.sealed.count(key)
            yield work
            raise _Looked

    sealed: dict[bytes, int] = {}
    try:
        await open_vault(begin, ring)
    except SecretMissing as missing:
        text = told(missing, settings).removeprefix("PLATFORM_TOKEN_SECRET: ")
        yield Finding(SECRETS, False, "PLATFORM_TOKEN_SECRET does not open all of it", text)
    except SecretWrong:
        mend = "take the secret of this database, or a database of this secret"
        yield Finding(SECRETS, False, "PLATFORM_TOKEN_SECRET does not open what is kept", mend)
    except _Looked:
        shown = ", ".join(f"key {key.hex()} seals {count}" for key, count in sealed.items())
        yield Finding(SECRETS, True, f"can be opened: {shown}")
        if old := sum(sealed.values()) - sealed[ring.current_id]:
            mend = "a rotation is under way: python -m oauth_gateway reseal (docs/security.md)"
            yield Finding(SECRETS, None, f"{old} under a former key; {mend}")
    finally:
        await engine.dispose()


async def _addresses(settings: GatewaySettings) -> AsyncIterator[Finding]:
    yield public("FRONTEND_URL", settings.frontend_url, settings)
    uris = settings.redirect_uris
    for platform, uri in uris.items():
        yield (said := _redirect(platform, uri, settings))
        if said.ok:
            yield await _reached(NAMES[platform], uri, settings)
    hosts = {urlsplit(uri).netloc for uri in uris.values()}
    if len(hosts) > 1:
        mend = "both lead to the one public address of oauth-gateway"
        yield Finding("redirect hosts", False, f"two: {', '.join(sorted(hosts))}", mend)


def _redirect(platform: Platform, uri: str, settings: GatewaySettings) -> Finding:
    name = NAMES[platform]
    path = f"/api/oauth/{platform}/callback"
    if not urlsplit(uri).path.endswith(path):
        mend = f"set {name} to https://<public host of oauth-gateway>{path}, and register it so"
        return Finding(name, False, f"does not end with {path}", mend)
    return public(name, uri, settings)


async def _reached(name: str, uri: str, settings: GatewaySettings) -> Finding:
    """A callback of nobody's flow: it is sent home, and nothing comes of it."""
    line = f"{name} leads to us"
    try:
        async with httpx.AsyncClient(timeout=SECONDS / 3, trust_env=False) as client:
            answer = await client.get(uri)
    except httpx.HTTPError as error:
        why = f"can't be reached from here ({type(error).__name__}): browsers have to, not we"
        return Finding(line, None, why)
    home = answer.headers.get("location", "").startswith(settings.frontend_url)
    ours = answer.status_code == httpx.codes.SEE_OTHER and home
    mend = f"the address in {name} has to lead to oauth-gateway http, its path unchanged"
    detail = "oauth-gateway answers there" if ours else f"another answer: {answer.status_code}"
    return Finding(line, ours, detail, mend)


async def _vk(settings: GatewaySettings) -> AsyncIterator[Finding]:
    legacy = settings.vk_oauth_flow == "legacy"
    uri = settings.vk_publish_redirect_uri
    names = "VK_PUBLISH_CLIENT_ID" + (" and VK_PUBLISH_CLIENT_SECRET" if legacy else "")
    yield await _app(settings, Platform.VK, uri, "VK application", names)
    yield Finding(
        "VK's right `video`",
        None,
        "only a first connection shows whether VK gave it, and whether the redirect URI is "
        "registered; the right is given by VK's support on request",
    )


async def _yandex(settings: GatewaySettings) -> AsyncIterator[Finding]:
    line, uri = "Yandex application", settings.yandex_redirect_uri
    if settings.dzen_api_url is None:
        yield Finding(line, True, "not needed: Дзен is off (DZEN_API_URL is not set)")
    elif None in (settings.yandex_client_id, settings.yandex_client_secret) or uri is None:
        mend = (
            "set YANDEX_CLIENT_ID, YANDEX_CLIENT_SECRET and YANDEX_REDIRECT_URI, or turn Дзен off"
        )
        yield Finding(line, False, "DZEN_API_URL is set without an application", mend)
    else:
        names = "YANDEX_CLIENT_ID and YANDEX_CLIENT_SECRET"
        yield await _app(settings, Platform.DZEN, uri, line, names)


def _plugged(settings: GatewaySettings) -> Adapters:
    """Reads certificates, which takes a while: beside the loop, where others have deadlines."""
    return adapters(settings, settings, fingerprint=Fingerprints(b""))


async def _app(
    settings: GatewaySettings, platform: Platform, uri: str, line: str, names: str
) -> Finding:
    """A code that never was: a platform that knows our application refuses the code, not us."""
    consent = Consent(
        code=SecretStr(token_hex(8)),  # sixteen signs, as Yandex wants them
        state=token_urlsafe(32),
        verifier=SecretStr(token_urlsafe(48)),
        redirect_uri=uri,
        device_id=token_hex(16),
    )
    mend = f"{names}: take them from the application's page at the platform"
    plugged = await asyncio.to_thread(_plugged, settings)
    try:
        oauth = plugged[platform].oauth
        assert oauth is not None  # noqa: S101 - the applications were given
        await oauth.exchange(consent)
    except AccessRevoked:
        return Finding(line, True, f"the platform knows {names}")
    except NotConfigured as refused:
        if "_client" in refused.note:
            return Finding(line, False, f"the platform refuses {names} ({refused.note})", mend)
        why = f"the platform did not say whether {names} is right ({refused.note})"
        return Finding(line, None, why)
    except Unavailable as silent:
        again = "let this machine call the platform, and ask again"
        return Finding(line, None, f"the platform did not answer ({silent.note})", again)
    except PlatformError as odd:
        return Finding(line, None, f"the platform did not say ({odd.note})")
    finally:
        await plugged.aclose()
    return Finding(line, None, "the platform took a code that never was")


VK = ("vk_publish_client_id", "vk_publish_client_secret", "vk_publish_redirect_uri")
YANDEX = ("yandex_client_id", "yandex_client_secret", "yandex_redirect_uri")
PLACES = ("vk_oauth_flow", "vk_id_url", "vk_oauth_url", "vk_api_url")
CHECKS: tuple[Check[GatewaySettings], ...] = (
    Check(
        SECRETS,
        _secrets,
        ("database_url", "platform_token_secret", "platform_token_secret_previous"),
        "the database has to answer, and to be migrated: see its lines",
    ),
    Check(
        "redirect URIs",
        _addresses,
        ("environment", "frontend_url", VK[2], YANDEX[2]),
        "VK_PUBLISH_REDIRECT_URI and YANDEX_REDIRECT_URI: see README.md",
    ),
    Check("VK application", _vk, (*VK, *PLACES), "VK_ID_URL has to be reached from here"),
    Check(
        "Yandex application",
        _yandex,
        (*YANDEX, "dzen_api_url", "yandex_oauth_url"),
        "YANDEX_OAUTH_URL has to be reached from here",
    ),
)
