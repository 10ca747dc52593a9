"""The secrets of one stack: made once, kept in one file that only its owner reads."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self


def _random() -> str:
    return secrets.token_hex(32)


@dataclass(frozen=True)
class Credentials:
    """Everything a stack's processes must agree on in secret."""

    platform_token_secret: str = field(default_factory=_random)
    auth_jwt_secret: str = field(default_factory=_random)
    media_link_secret: str = field(default_factory=_random)
    vk_client_secret: str = field(default_factory=_random)
    yandex_client_secret: str = field(default_factory=_random)
    service_tokens: dict[str, str] = field(  # each proves one caller to oauth-gateway
        default_factory=lambda: {
            caller: _random() for caller in ("connections", "publisher", "stats-collector")
        }
    )

    @classmethod
    def kept(cls, path: Path) -> Self:
        """Read them, or make and write them the first time."""
        if path.exists():
            return cls(**json.loads(path.read_text()))
        made = cls()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, asdict(made))
        return made


def write_private(path: Path, content: object) -> None:
    """Write JSON for the owner's eyes alone, all or nothing."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=2) + "\n")
    fresh.replace(path)
