"""What the parser of the command line says: its words are English, the caller may not be."""

import typer

from cli.failures import Failure
from cli.language import language, say

RUSSIAN = (
    ("Missing option", "Не хватает ключа"),
    ("Missing argument", "Не хватает аргумента"),
    ("Invalid value for", "Неверное значение"),
    ("Value error, ", ""),
    ("is not one of", "не из числа"),
    ("No such option:", "Нет такого ключа:"),
    ("Possible options:", "Похожие:"),
    ("No such command", "Нет такой команды"),
    ("Did you mean", "Может быть,"),
    ("Got unexpected extra argument", "Лишний аргумент"),
    ("requires an argument", "требует значения"),
)


def misread(error: typer.TyperException) -> Failure:
    """The failure for a command line that could not be read."""
    text = error.format_message()
    if language() == "ru":
        for en, ru in RUSSIAN:
            text = text.replace(en, ru)
    lines = [text] if text else []  # a bare `clipcast` has shown its help
    context = getattr(error, "ctx", None)
    if text and context is not None:
        lines.append(say("Подробнее: ", "See ") + f"{context.command_path} --help")
    return Failure(error.exit_code, "usage", *lines)
