"""What oauth-gateway needs from the environment."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from common.auth.services import parse_tokens
from common.settings import Settings
from oauth_gateway.domain.returning import DEFAULT
from oauth_gateway.vault.keys import check_secret
from platforms.settings import Address

PATH = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*[A-Za-z0-9._~-]*")


def _paths(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever was given
    """Read `key=/path,key=/path`; one of the keys is `default`."""
    if not isinstance(value, str):
        return value
    pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
    paths = {key: path for key, _, path in pairs}
    if (
        len(paths) != len(pairs)
        or DEFAULT not in paths
        or not all(map(PATH.fullmatch, paths.values()))
    ):
        raise ValueError("write key=/path pairs, each key once, one of them `default`")
    return paths


def _tokens(value: SecretStr) -> SecretStr:
    parse_tokens(value)
    return value


Paths = Annotated[Mapping[str, str], NoDecode, BeforeValidator(_paths)]
VaultSecret = Annotated[SecretStr, AfterValidator(check_secret)]


class GatewaySettings(Settings):
    """On top of what every service needs."""

    platform_token_secret: VaultSecret
    platform_token_secret_previous: VaultSecret | None = None
    """Only opens; what is written is sealed under the current one."""
    frontend_url: Address
    return_to: Paths = {DEFAULT: "/connections"}  # noqa: RUF012 - pydantic copies defaults
    service_tokens: Annotated[SecretStr, AfterValidator(_tokens)]
    """Every caller with its own secret."""
