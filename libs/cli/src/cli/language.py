"""Which of the two languages the caller reads: Russian where the locale says so, else English."""

import os


def language() -> str:
    """`ru` or `en`, as `Accept-Language` wants it."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "ru" if value.lower().startswith("ru") else "en"
    return "en"


def say(ru: str, en: str) -> str:
    """A text in the caller's language."""
    return ru if language() == "ru" else en
