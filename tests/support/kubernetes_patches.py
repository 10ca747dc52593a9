"""The patches of a kustomization, applied as kustomize would, as far as ours ask for it."""

import re
from typing import Any

from support.strict_yaml import read

Doc = dict[str, Any]


def patched(objects: list[Doc], one: Doc) -> list[Doc]:
    """What is there after one entry of `patches`; one that meets nothing is refused."""
    said = read(one["patch"])
    if isinstance(said, dict):
        return _deleted(objects, said)
    target: dict[str, str] = one["target"]
    assert set(target) <= {"kind", "name"}
    found = [each for each in objects if _meant(each, target)]
    assert found, target
    for each in found:
        for operation in said:
            _apply(each, operation)
    return objects


def _deleted(objects: list[Doc], said: Doc) -> list[Doc]:
    assert said.pop("$patch") == "delete"
    assert set(said) == {"apiVersion", "kind", "metadata"}
    left = [one for one in objects if not _meant(one, {"kind": said["kind"], **said["metadata"]})]
    assert len(left) == len(objects) - 1, said
    return left


def _meant(one: Doc, target: dict[str, str]) -> bool:
    """Both are patterns for the whole of a name."""
    given = {"kind": one["kind"], "name": one["metadata"]["name"]}
    return all(re.fullmatch(pattern, given[key]) for key, pattern in target.items())


def _apply(one: Doc, operation: Doc) -> None:
    """Of RFC 6902."""
    *way, last = [part.replace("~1", "/") for part in operation["path"].split("/")[1:]]
    place: Any = one
    for part in way:
        place = place[int(part) if isinstance(place, list) else part]
    key: Any = int(last) if isinstance(place, list) else last
    match operation["op"]:
        case "test":
            assert place[key] == operation["value"], operation
        case "remove":
            del place[key]
        case "replace":
            assert key in place, operation
            place[key] = operation["value"]
        case "add":
            assert isinstance(place, dict), operation
            place[key] = operation["value"]
        case other:
            raise AssertionError(other)
