"""One call of a bot: the parameters of query, form, JSON and multipart read as the server does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sandbox.received import FilePart, Received
from sandbox.telegram_errors import bad_request
from sandbox.telegram_limits import TelegramLimits
from sandbox.telegram_state import Bot, TelegramState


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, with what, and when."""

    state: TelegramState
    limits: TelegramLimits
    bot: Bot
    params: dict[str, str]
    files: dict[str, FilePart]
    now: datetime
    link_patience: float

    def text(self, name: str) -> str:
        """A parameter; an absent one is empty."""
        return self.params.get(name, "")

    def flag(self, name: str) -> bool:
        """A boolean as the server reads it."""
        return self.text(name).lower() in {"true", "yes", "1"}

    def number(self, name: str) -> int:
        """A whole number, or 0 for anything else, as the server reads it."""
        try:
            return int(self.text(name))
        except ValueError:
            return 0


def params_of(received: Received) -> dict[str, str]:
    """Every parameter as text: the first of a name wins, JSON values keep their JSON form."""
    if received.problem is not None:
        raise bad_request("can't parse request body")
    pairs = [*received.query, *received.form]
    if received.kind == "application/json" and received.json is not None:
        if not isinstance(received.json, dict):
            raise bad_request("can't parse JSON object")
        pairs += [
            (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for name, value in received.json.items()
        ]
    params: dict[str, str] = {}
    for name, value in pairs:
        params.setdefault(name, value)
    return params


def files_of(received: Received) -> dict[str, FilePart]:
    """Multipart files by part name."""
    return {part.name: part for part in received.files}
