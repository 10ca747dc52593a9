"""How long a text is in a platform's own units, and how title and description become one."""

from platforms.port import Limits


def length(text: str, unit: str) -> int:
    """Characters, or UTF-16 code units (`utf16`), in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 if unit == "utf16" else len(text)


def join(title: str, description: str) -> str:
    """Title, a blank line, description: for platforms without a title."""
    return "\n\n".join(part for part in (title, description) if part)


def overflow(limits: Limits, title: str, description: str) -> tuple[str, int, int] | None:
    """The first text that is too long: field, its length, the most allowed."""
    checks = [
        ("title", length(title, limits.unit), limits.title),
        ("description", length(description, limits.unit), limits.description),
    ]
    if limits.joined is not None:
        checks.append(("description", length(join(title, description), limits.unit), limits.joined))
    return next((check for check in checks if check[1] > check[2]), None)
