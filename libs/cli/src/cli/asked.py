"""What people write on the command line: targets, times, keys. Wrong ones say the right form."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.failures import usage
from cli.language import say
from common.contracts.words import Platform

Json = Annotated[
    bool,
    typer.Option("--json", help=say("один документ JSON в stdout", "one JSON document on stdout")),
]
Key = re.compile(r"[!-~]{1,190}")
FORM = "2026-12-01T10:00+03:00"


def targets(words: list[str]) -> list[dict[str, str]]:
    """`telegram,vk`, or ids of connections. Raises Failure."""
    found: list[dict[str, str]] = []
    for word in (part.strip() for words_of in words for part in words_of.split(",")):
        if word in list(Platform):
            found.append({"platform": word})
        elif word:
            found.append({"connection_id": identity(word, among=", ".join(Platform))})
    if not found:
        raise usage(say("Куда публиковать? --to telegram,vk", "Where to? --to telegram,vk"))
    return found


def identity(word: str, *, among: str = "") -> str:
    """An id. Raises Failure."""
    try:
        return str(UUID(word))
    except ValueError:
        lists = "clipcast list, clipcast accounts"
        raise usage(
            say(f"Не понятно: {word}.", f"What is {word}?"),
            say(
                f"Нужна площадка ({among}) или id: {lists}",
                f"Name a platform ({among}) or an id: {lists}",
            )
            if among
            else say(f"Нужен id: {lists}", f"Name an id: {lists}"),
        ) from None


def instant(word: str | None) -> str | None:
    """A time with its offset. Raises Failure."""
    if word is None:
        return None
    try:
        found = datetime.fromisoformat(word)
        found.astimezone(UTC)
    except (ValueError, OverflowError):  # or a year that UTC has not
        found = None
    if found is None or found.tzinfo is None:
        raise usage(
            say(
                f"Время {word!r} нужно записать со смещением от UTC: {FORM}",
                f"Write the time {word!r} with its offset from UTC: {FORM}",
            )
        )
    return found.isoformat()


def edge(word: str | None) -> str | None:
    """A time, or a whole day. Raises Failure."""
    try:
        return None if word is None else date.fromisoformat(word).isoformat()
    except ValueError:
        return instant(word)


def file(path: Path) -> Path:
    """One that is there. Raises Failure."""
    if not path.is_file():
        raise usage(
            say(f"Нет файла {path}. Проверьте путь.", f"There is no file {path}. Check the path.")
        )
    return path


def key(word: str) -> str:
    """An Idempotency-Key. Raises Failure."""
    if not Key.fullmatch(word):
        raise usage(
            say(
                "Ключ: от 1 до 190 знаков ASCII без пробелов.",
                "A key is 1 to 190 ASCII signs without spaces.",
            )
        )
    return word
