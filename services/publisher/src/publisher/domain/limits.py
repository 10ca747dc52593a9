"""What a platform takes: lengths of texts and the size of the file. Texts are never cut."""

from collections.abc import Iterator
from typing import NamedTuple

from platforms.port import Limits


class Excess(NamedTuple):
    """One thing that is too much."""

    field: str
    code: str


def utf16_units(text: str) -> int:
    """The length as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def excesses(limits: Limits, *, title: str, description: str, size: int) -> Iterator[Excess]:
    """Everything that `limits` does not allow."""
    if limits.joined is not None:
        joined = f"{title}\n\n{description}" if title and description else title or description
        if utf16_units(joined) > limits.joined:
            yield Excess("description", "text_too_long")
    else:
        if len(title) > limits.title:
            yield Excess("title", "text_too_long")
        if len(description) > limits.description:
            yield Excess("description", "text_too_long")
    if size > limits.file_bytes:
        yield Excess("media", "media_too_large")
