"""Where the gateways answer, and the caller's token: options, environment, a running `make up`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from cli.failures import NOT_ASKED, Failure, usage
from cli.language import say

UP_FILE = Path(__file__).parents[4] / ".local/up.json"
"""Of this checkout alone: whoever could put one elsewhere would be sent tokens."""


def variable(service: str) -> str:
    """The environment variable with a service's address."""
    return f"CLIPCAST_{service.replace('-', '_').upper()}_URL"


@dataclass(frozen=True)
class Places:
    """What was said on the command line or in the environment."""

    urls: Mapping[str, str | None]
    token: SecretStr | None = field(repr=False)
    token_file: Path | None
    up_file: Path = UP_FILE

    def url(self, service: str) -> str:
        """Where it answers. Raises Failure when nobody said."""
        if (found := self.known(service)) is None:
            raise Failure(
                NOT_ASKED,
                "no_address",
                say(f"Адрес сервиса {service} не задан.", f"No address of {service} is known."),
                how_to_set(service),
                say("Или запустите систему: make up", "Or start the system: make up"),
            )
        return found

    def known(self, service: str) -> str | None:
        """The same, or None. Raises Failure for one that is no address, without saying it: what
        was written there may hold a password."""
        found = self.urls.get(service) or self._up.get("urls", {}).get(service)
        if found is not None and not _is_address(found):
            raise usage(
                say(
                    f"Адрес сервиса {service} не подходит. Нужен без имени и пароля, например "
                    "https://clips.example.com",
                    f"The address of {service} can't be used. Write it without user and password, "
                    "such as https://clips.example.com",
                ),
                how_to_set(service),
            )
        return found and found.rstrip("/")

    def bearer(self, service: str) -> str | None:
        """The token for a service. That of `make up` goes nowhere but to its own addresses."""
        if self.token is not None:
            return self.token.get_secret_value().strip()
        if self.token_file is not None:
            return read_secret(self.token_file)
        if self.urls.get(service):
            return None
        token: str | None = self._up.get("token")
        return token

    @cached_property
    def _up(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = json.loads(self.up_file.read_text())
        except (OSError, ValueError):
            return {}
        return told


def _is_address(word: str) -> bool:
    """Without a password in it: addresses are shown."""
    try:
        parts = urlsplit(word)
        known = parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        return False
    return bool(known) and parts.scheme in ("http", "https") and parts.username is None


def how_to_set(service: str) -> str:
    """The line that says where an address comes from."""
    return say(
        f"Задайте его: --{service}-url или {variable(service)}",
        f"Set it: --{service}-url or {variable(service)}",
    )


def read_secret(path: Path) -> str:
    """The only line of a file. Raises Failure."""
    try:
        found = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise usage(
            say(f"Не читается файл {path}: {why}.", f"The file {path} can't be read: {why}.")
        ) from None
    if not found:
        raise usage(say(f"Файл {path} пуст.", f"The file {path} is empty."))
    return found
