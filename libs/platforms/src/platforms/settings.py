"""Where the platforms are, how much they take, and which applications of theirs we are."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.durations import Duration

_CONFIG = SettingsConfigDict(
    extra="ignore", hide_input_in_errors=True, frozen=True, env_ignore_empty=True
)
_PLACEHOLDERS = ("changeme", "change-me", "placeholder", "xxx", "your-", "<")


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ValueError("write an address such as https://api.example.org")
    return value.rstrip("/")


def _real(value: str) -> str:
    if any(word in value.lower() for word in _PLACEHOLDERS):
        raise ValueError("a placeholder: take the value from the platform's developer page")
    return value


def _real_secret(value: SecretStr) -> SecretStr:
    _real(value.get_secret_value())
    return value


Address = Annotated[str, AfterValidator(_address)]
Given = Annotated[str, Field(min_length=1), AfterValidator(_real)]
GivenSecret = Annotated[SecretStr, Field(min_length=1), AfterValidator(_real_secret)]


class PlatformUrls(BaseSettings):
    """Base addresses, limits and patience per platform. Names are fixed by api.md."""

    model_config = _CONFIG

    vk_api_url: Address = "https://api.vk.com"
    vk_id_url: Address = "https://id.vk.com"
    vk_oauth_url: Address = "https://oauth.vk.com"
    rutube_url: Address = "https://rutube.ru"
    yandex_oauth_url: Address = "https://oauth.yandex.ru"
    yandex_login_url: Address = "https://login.yandex.ru"
    dzen_api_url: Address | None = None
    """No default: Дзен has no public video API, so it is off until an address is given."""
    telegram_api_url: Address = "https://api.telegram.org"

    file_limit_vk: PositiveInt = 256_000_000
    file_limit_rutube: PositiveInt = 10_000_000_000
    file_limit_dzen: PositiveInt = 4_000_000_000
    file_limit_telegram: PositiveInt = 50_000_000

    upload_timeout_vk: Duration = timedelta(minutes=10)
    upload_timeout_rutube: Duration = timedelta(minutes=15)
    upload_timeout_dzen: Duration = timedelta(minutes=10)
    upload_timeout_telegram: Duration = timedelta(minutes=5)

    poll_first: Duration = timedelta(seconds=5)
    """The first wait for a platform that processes a clip; later ones grow to `poll_max`."""
    poll_max: Duration = timedelta(seconds=30)
    processing_max: Duration = timedelta(hours=24)
    """After that a clip still being processed is given up, and a person has to look."""
    may_be_missing: Duration = timedelta(minutes=10)
    """How long VK and Rutube may not show what they have just accepted: a new id of Rutube answers
    404 for minutes (platforms/rutube.md §2.3). Only after it a lost call surely did not happen."""


class OAuthApps(BaseSettings):
    """The applications registered at VK and Yandex. Only oauth-gateway reads them."""

    model_config = _CONFIG

    vk_publish_client_id: Given
    vk_publish_client_secret: GivenSecret
    vk_publish_redirect_uri: Address
    vk_oauth_flow: Literal["vkid", "legacy"] = "vkid"

    yandex_client_id: Given | None = None
    """The three of Yandex are needed once Дзен is on."""
    yandex_client_secret: GivenSecret | None = None
    yandex_redirect_uri: Address | None = None
    yandex_scopes: str = "zen:write zen:read"
