"""How each adapter is put together from its parts."""

from common.contracts.words import Platform
from platforms.calls import Gate
from platforms.dzen.client import DzenClient
from platforms.dzen.connect import DzenChecker, Yandex, YandexApp
from platforms.dzen.limits import DzenOptions
from platforms.dzen.limits import limits as dzen_limits
from platforms.dzen.publish import DzenPublishing
from platforms.dzen.stats import DzenStats
from platforms.http import Http
from platforms.polling import Polling
from platforms.port import Adapter
from platforms.rutube.client import RutubeClient
from platforms.rutube.connect import Fingerprint, RutubeChecker, RutubeConnect
from platforms.rutube.limits import RutubeOptions
from platforms.rutube.limits import limits as rutube_limits
from platforms.rutube.publish import RutubePublishing
from platforms.rutube.stats import RutubeStats
from platforms.settings import OAuthApps, PlatformUrls
from platforms.telegram.client import TelegramClient
from platforms.telegram.connect import TelegramConnect
from platforms.telegram.limits import TelegramOptions
from platforms.telegram.limits import limits as telegram_limits
from platforms.telegram.publish import TelegramPublishing
from platforms.vk.client import VkClient
from platforms.vk.connect import VkChecker
from platforms.vk.connect import oauth as vk_oauth
from platforms.vk.limits import VkOptions
from platforms.vk.limits import limits as vk_limits
from platforms.vk.publish import VkPublishing
from platforms.vk.stats import VkStats


def vk(http: Http, urls: PlatformUrls, apps: OAuthApps | None, gate: Gate) -> Adapter:
    """VK."""
    client = VkClient(http, urls.vk_api_url, gate)
    return Adapter(
        platform=Platform.VK,
        title="VK",
        experimental=False,
        limits=vk_limits(urls),
        options=VkOptions,
        connect="oauth",
        checker=VkChecker(client),
        publishing=VkPublishing(client, _polling(urls), urls.upload_timeout_vk),
        oauth=vk_oauth(http, client, urls, apps) if apps else None,
        stats=VkStats(client),
    )


def rutube(http: Http, urls: PlatformUrls, gate: Gate, fingerprint: Fingerprint | None) -> Adapter:
    """Rutube."""
    client = RutubeClient(http, urls.rutube_url, gate)
    return Adapter(
        platform=Platform.RUTUBE,
        title="Rutube",
        experimental=False,
        limits=rutube_limits(urls),
        options=RutubeOptions,
        connect="token",
        checker=RutubeChecker(client),
        publishing=RutubePublishing(client, _polling(urls), urls.upload_timeout_rutube),
        pasted=RutubeConnect(client, fingerprint) if fingerprint else None,
        stats=RutubeStats(client),
    )


def dzen(http: Http, urls: PlatformUrls, base: str, apps: OAuthApps | None, gate: Gate) -> Adapter:
    """Дзен."""
    client = DzenClient(http, base, gate)
    return Adapter(
        platform=Platform.DZEN,
        title="Дзен",
        experimental=True,
        limits=dzen_limits(urls),
        options=DzenOptions,
        connect="oauth",
        checker=DzenChecker(client),
        publishing=DzenPublishing(client, _polling(urls), urls.upload_timeout_dzen),
        oauth=Yandex(http, client, _yandex(urls, apps)) if apps else None,
        stats=DzenStats(client),
    )


def telegram(http: Http, urls: PlatformUrls, gate: Gate, *, connecting: bool) -> Adapter:
    """Telegram; it has no statistics."""
    client = TelegramClient(http, urls.telegram_api_url, gate)
    connect = TelegramConnect(client)
    return Adapter(
        platform=Platform.TELEGRAM,
        title="Telegram",
        experimental=False,
        limits=telegram_limits(urls),
        options=TelegramOptions,
        connect="token",
        checker=connect,
        publishing=TelegramPublishing(client, urls.upload_timeout_telegram),
        pasted=connect if connecting else None,
    )


def _polling(urls: PlatformUrls) -> Polling:
    return Polling(urls.poll_first, urls.poll_max, urls.processing_max, urls.may_be_missing)


def _yandex(urls: PlatformUrls, apps: OAuthApps) -> YandexApp:
    if apps.yandex_client_id is None or apps.yandex_client_secret is None:
        raise ValueError(
            "DZEN_API_URL is set: YANDEX_CLIENT_ID and YANDEX_CLIENT_SECRET are needed"
        )
    return YandexApp(
        oauth_url=urls.yandex_oauth_url,
        login_url=urls.yandex_login_url,
        client_id=apps.yandex_client_id,
        client_secret=apps.yandex_client_secret,
        scopes=tuple(apps.yandex_scopes.split()),
    )
