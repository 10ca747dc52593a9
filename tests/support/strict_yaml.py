"""YAML and `NAME=value` lines, read as strictly as Compose does: no key stands there twice."""

from collections.abc import Iterable, Iterator
from typing import Any

import yaml


def read(text: str) -> Any:
    """The one document of a text."""
    return yaml.load(text, Once)  # noqa: S506 - a SafeLoader that refuses more


def read_all(text: str) -> Iterator[Any]:
    """Each document of a text."""
    return yaml.load_all(text, Once)


def pairs(text: str) -> dict[str, str]:
    """Of an env file; `#` begins a comment."""
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    split = [line.split("=", 1) for line in lines]
    _once(name for name, _ in split)
    return dict(split)


class Once(yaml.SafeLoader):
    """PyYAML takes the last of equal keys; Compose and Kubernetes refuse the file."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Looked at before `<<` is put in, so that what is merged can be given anew."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        _once(f"{key.value}" for key, _ in node.value)
        return node


def _once(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{name} stands there twice")
        seen.add(name)
