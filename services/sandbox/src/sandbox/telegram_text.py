"""Texts as Telegram counts them: UTF-16 code units after entities are parsed."""

import html
import json
import re

from sandbox.telegram_errors import bad_request

CAPTION_LIMIT = 1024
TEXT_LIMIT = 4096
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)([^<>]*)>")
_TAGS = frozenset(
    {
        "b",
        "strong",
        "i",
        "em",
        "u",
        "ins",
        "s",
        "strike",
        "del",
        "a",
        "code",
        "pre",
        "span",
        "tg-spoiler",
        "tg-emoji",
        "blockquote",
    }
)


def utf16_length(text: str) -> int:
    """The length Telegram's limits and entity offsets are counted in."""
    return len(text.encode("utf-16-le")) // 2


def plain_text(text: str, parse_mode: str, entities: str) -> str:
    """The text people see; refuses markup that Telegram could not parse.

    Only HTML is understood here: our product sends plain text, and a parser that is almost
    MarkdownV2 would accept what Telegram refuses.
    """
    if entities and not parse_mode:
        _check_entities(entities, text)
        return text.strip()
    if not parse_mode:
        return text.strip()
    if parse_mode.lower() != "html":
        raise bad_request("unsupported parse_mode")
    return html.unescape(_without_tags(text)).strip()


def caption_of(text: str, parse_mode: str, entities: str) -> str:
    """A caption within its limit."""
    caption = plain_text(text, parse_mode, entities)
    if utf16_length(caption) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return caption


def message_text_of(text: str, parse_mode: str, entities: str) -> str:
    """The text of a message within its limit."""
    message = plain_text(text, parse_mode, entities)
    if not message:
        raise bad_request("message text is empty")
    if utf16_length(message) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return message


def _without_tags(text: str) -> str:
    open_tags: list[str] = []
    for tag in _TAG.finditer(text):
        closing, name = bool(tag[1]), tag[2].lower()
        offset = len(text[: tag.start()].encode())
        if name not in _TAGS:
            raise bad_request(
                f'can\'t parse entities: Unsupported start tag "{name}" at byte offset {offset}'
            )
        if not closing:
            open_tags.append(name)
        elif not open_tags or open_tags.pop() != name:
            raise bad_request(f"can't parse entities: Unmatched end tag at byte offset {offset}")
    rest = _TAG.sub("", text)
    if "<" in rest:
        offset = len(text[: text.rindex("<")].encode())
        raise bad_request(
            f'can\'t parse entities: Unsupported start tag "" at byte offset {offset}'
        )
    if open_tags:
        raise bad_request(
            f"can't parse entities: Can't find end tag corresponding to start tag {open_tags[-1]}"
        )
    return rest


def _check_entities(entities: str, text: str) -> None:
    try:
        listed = json.loads(entities)
        spans = [(int(e["offset"]), int(e["length"]), str(e["type"])) for e in listed]
    except (ValueError, KeyError, TypeError):
        raise bad_request("can't parse entities JSON object") from None
    for offset, length, _kind in spans:
        if offset < 0 or length < 0 or offset + length > utf16_length(text):
            raise bad_request("entity beginning or end is out of the text")
