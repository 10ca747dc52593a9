"""What oauth-gateway needs from the environment."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from common.auth.services import parse_tokens
from common.contracts.words import Platform
from common.settings import Settings
from oauth_gateway.domain.returning import DEFAULT
from oauth_gateway.vault.keys import Keyring, check_secret
from platforms.pacing import PaceSettings
from platforms.settings import Address, OAuthApps, PlatformUrls

PATH = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*[A-Za-z0-9._~-]*")


def _paths(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever was given
    """Read `key=/path,key=/path`; one of the keys is `default`."""
    if not isinstance(value, str):
        return value
    pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
    paths = {key: path for key, _, path in pairs}
    sound = all(PATH.fullmatch(path) for path in paths.values())
    if len(paths) != len(pairs) or DEFAULT not in paths or not sound:
        raise ValueError("write key=/path pairs, each key once, one of them `default`")
    return paths


def _several(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever was given
    """Read a comma list of secrets."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _tokens(value: SecretStr) -> SecretStr:
    parse_tokens(value)
    return value


Paths = Annotated[Mapping[str, str], NoDecode, BeforeValidator(_paths)]
VaultSecret = Annotated[SecretStr, AfterValidator(check_secret)]
FormerSecrets = Annotated[tuple[VaultSecret, ...], NoDecode, BeforeValidator(_several)]


class GatewaySettings(Settings, OAuthApps, PlatformUrls, PaceSettings):
    """One object, so that everything wrong is told at once and every secret may be a file."""

    platform_token_secret: VaultSecret
    platform_token_secret_previous: FormerSecrets = ()
    """They only open; what is written is sealed under the current one."""
    frontend_url: Address
    return_to: Paths = {DEFAULT: "/connections"}  # noqa: RUF012 - pydantic copies defaults
    service_tokens: Annotated[SecretStr, AfterValidator(_tokens)]
    """Every caller with its own secret."""

    @field_validator("platform_token_secret_previous")
    @classmethod
    def _all_differ(
        cls, value: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        if "platform_token_secret" in info.data:
            Keyring(info.data["platform_token_secret"], value)
        return value

    @model_validator(mode="after")
    def _dzen_is_whole(self) -> Self:
        yandex = (self.yandex_client_id, self.yandex_client_secret, self.yandex_redirect_uri)
        if self.dzen_api_url is not None and None in yandex:
            raise ValueError(
                "DZEN_API_URL is set: YANDEX_CLIENT_ID, YANDEX_CLIENT_SECRET and "
                "YANDEX_REDIRECT_URI are needed"
            )
        return self

    @property
    def keyring(self) -> Keyring:
        """The keys of all secrets that were given."""
        return Keyring(self.platform_token_secret, self.platform_token_secret_previous)

    @property
    def redirect_uris(self) -> dict[Platform, str]:
        """Where each platform sends browsers back to, exactly as registered there."""
        found = {Platform.VK: self.vk_publish_redirect_uri}
        if self.yandex_redirect_uri is not None:
            found[Platform.DZEN] = self.yandex_redirect_uri
        return found
