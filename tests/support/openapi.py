"""What an OpenAPI document says, for tests that hold for operations still to come."""

from collections.abc import Iterator
from typing import Any

OWNED = {"owner", "user_id", "plan", "status", "version", "granted", "account"}
"""Fields that no caller may set."""


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object that a request may hold, by its name."""
    schemas = document["components"]["schemas"]
    seen: set[str] = set()
    waiting = [
        operation["requestBody"]["content"].get("application/json", {})
        for operations in document["paths"].values()
        for operation in operations.values()
        if "requestBody" in operation
    ]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            name = str(one.get("$ref", "")).rsplit("/", 1)[-1]
            if name and name not in seen:
                seen.add(name)
                waiting.append(schemas[name])
                if schemas[name].get("type") == "object":
                    yield name, schemas[name]
            waiting += [value for key, value in one.items() if key != "discriminator"]


def require_closed(document: dict[str, Any], *, among: set[str]) -> None:
    """No body takes a field that is not described, or one that is not its sender's to set."""
    found = dict(bodies(document))
    assert set(found) >= among
    open_ones = [name for name, one in found.items() if one["additionalProperties"] is not False]
    assert open_ones == []
    for name, one in found.items():
        assert not OWNED & set(one["properties"]), name
