"""Reads from a query which metrics it asks for, and from the code which ones there are."""

import re

from prometheus_client import CollectorRegistry

_APART = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(?:by|on|without|ignoring)\s*\([^)]*\)')
_NAME = re.compile(r"[a-zA-Z_:][\w:]*(?!\w*\s*\()")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset"})
_PARTS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}


def asked(query: str) -> set[str]:
    """Names that are neither functions, operators, labels nor strings."""
    return set(_NAME.findall(_APART.sub(" ", query))) - _WORDS


def registered(registry: CollectorRegistry) -> set[str]:
    """Every name that a query may use, also of metrics that have no sample yet."""
    return {
        f"{family.name}{part}"
        for family in registry.collect()
        for part in _PARTS.get(family.type, ("",))
    }
