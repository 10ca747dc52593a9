"""How a secret gets into a request: at the last moment, below everything that logs or traces."""

import base64
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

BOT = b"/bot-/"
"""What stands in an address where a bot's token will be."""


class Credential(Protocol):
    """Something that proves who asks."""

    def path(self, raw: bytes) -> bytes:
        """The path to send, made from the harmless one."""
        ...

    def headers(self) -> dict[str, str]:
        """Headers to add."""
        ...


@dataclass(frozen=True, slots=True)
class Header:
    """`Authorization: <scheme> <token>`."""

    scheme: str
    token: SecretStr

    def path(self, raw: bytes) -> bytes:
        """The path as it is."""
        return raw

    def headers(self) -> dict[str, str]:
        """The header with the token."""
        return {"Authorization": f"{self.scheme} {self.token.get_secret_value()}"}


def basic(user: str, password: SecretStr) -> Header:
    """HTTP Basic, as Yandex takes the application's credentials."""
    pair = f"{user}:{password.get_secret_value()}".encode()
    return Header("Basic", SecretStr(base64.b64encode(pair).decode()))


@dataclass(frozen=True, slots=True)
class BotPath:
    """Telegram wants the token in the path."""

    token: SecretStr

    def path(self, raw: bytes) -> bytes:
        """The path with the token in its place."""
        return raw.replace(BOT, b"/bot" + self.token.get_secret_value().encode() + b"/", 1)

    def headers(self) -> dict[str, str]:
        """Nothing."""
        return {}
