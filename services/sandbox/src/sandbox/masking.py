"""Takes secrets out of what the journal keeps; equal secrets stay recognisable as equal."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

SECRET_NAMES = frozenset(
    {
        "access_token", "refresh_token", "id_token", "service_token", "token", "code",
        "client_secret", "code_verifier", "password", "sig", "authorization", "cookie",
        "success_token", "upload_token",
    }
)  # fmt: skip
Json: TypeAlias = Any  # whatever json.loads gives
_BOT = re.compile(r"/bot([^/?#]+)")
_TEXT_SECRET = re.compile(r"\b(vk[12]\.a\.[\w-]+|y0_[\w-]+|\d{6,}:[\w-]{30,})")


def mask(value: str) -> str:
    """`***` and eight hex digits of the value's SHA-256."""
    return "***" + hashlib.sha256(value.encode()).hexdigest()[:8] if value else value


def mask_path(path: str) -> str:
    """Telegram puts its token into the path."""
    return _BOT.sub(lambda found: "/bot" + mask(found[1]), path)


def mask_pairs(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Names to values; a repeated name has a list."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        shown = mask_named(name, value)
        if name not in result:
            result[name] = shown
        elif isinstance(result[name], list):
            result[name].append(shown)
        else:
            result[name] = [result[name], shown]
    return result


def mask_named(name: str, value: Json) -> Json:
    """Mask by name, else look inside: objects, lists, JSON texts, URLs."""
    if name.lower() in SECRET_NAMES and isinstance(value, str):
        return mask(value)
    return mask_json(value)


def mask_json(value: Json) -> Json:
    """Secrets by the names of an object's keys; texts that hold JSON, URLs or tokens."""
    match value:
        case dict():
            return {name: mask_named(name, inner) for name, inner in value.items()}
        case list():
            return [mask_json(inner) for inner in value]
        case str():
            return _mask_text(value)
    return value


def mask_header(name: str, value: str) -> str:
    """The scheme of an Authorization header stays readable."""
    if name == "authorization":
        scheme, _, rest = value.partition(" ")
        return f"{scheme} {mask(rest)}" if rest else mask(value)
    return str(mask_named(name, value))


def _mask_text(text: str) -> str:
    if text.startswith(("http://", "https://")):
        return _mask_url(text)
    if text.startswith(("{", "[")):
        try:
            return json.dumps(mask_json(json.loads(text)), ensure_ascii=False)
        except ValueError:
            pass
    return _TEXT_SECRET.sub(lambda found: mask(found[0]), mask_path(text))


def _mask_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return _TEXT_SECRET.sub(lambda found: mask(found[0]), url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([(name, mask_named(name, value)) for name, value in pairs], safe="*:/,")
    return urlunsplit((parts.scheme, parts.netloc, mask_path(parts.path), query, parts.fragment))
