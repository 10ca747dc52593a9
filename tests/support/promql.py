"""Reads from a query which metrics it asks for, and from the code which ones there are."""

import re
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry

_APART = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(?:by|on|without|ignoring)\s*\([^)]*\)')
_NAME = re.compile(r"[a-zA-Z_:][\w:]*(?!\w*\s*\()")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset"})
_PARTS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}


def asked(query: str) -> set[str]:
    """Names that are neither functions, operators, labels nor strings."""
    return set(_NAME.findall(_APART.sub(" ", query))) - _WORDS


_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def selectors(query: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Which series of which metric: (name, [(label, operator, value)])."""
    found = _SELECTOR.findall(query)
    bare = asked(query) - {name for name, _ in found}
    return [(name, _MATCHER.findall(inside)) for name, inside in found] + [
        (name, []) for name in bare
    ]


def matches(labels: Mapping[str, str], wanted: Iterable[tuple[str, str, str]]) -> bool:
    """Whether a series with these labels is among those selected."""
    return all(_matches(labels.get(label, ""), how, value) for label, how, value in wanted)


def _matches(has: str, how: str, value: str) -> bool:
    same = re.fullmatch(value, has) is not None if "~" in how else has == value
    return same is not how.startswith("!")


def registered(registry: CollectorRegistry) -> set[str]:
    """Every name that a query may use, also of metrics that have no sample yet."""
    return {
        f"{family.name}{part}"
        for family in registry.collect()
        for part in _PARTS.get(family.type, ("",))
    }
