"""Every operation that a service describes, and requests for it made from its own description."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from stack import Stack

PEOPLE = ("connections", "publisher", "stats-collector")
METHODS = ("get", "put", "post", "patch", "delete", "head")
Path = tuple[str, ...]


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    service: str
    method: str
    path: str
    described: Mapping[str, Any]
    schemas: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What a generated client would call it."""
        return str(self.described["operationId"])

    @property
    def ids_in_path(self) -> list[str]:
        """Names of path parameters that identify something."""
        return [name for name in self._named("path") if name.endswith("_id")]

    @property
    def ids_in_query(self) -> list[str]:
        """The same of the query."""
        return [name for name in self._named("query") if name.endswith("_id")]

    @property
    def ids_in_body(self) -> list[Path]:
        """Where the body may name something; `0` is the first of a list."""
        return [path for path, _ in _leaves(self._body(), self.schemas) if path[-1].endswith("_id")]

    def body(self) -> Any:
        """The least that is well-formed, or None when nothing is sent."""
        schema = self._body()
        return example(schema, self.schemas) if schema else None

    def _named(self, place: str) -> list[str]:
        found = self.described.get("parameters", ())
        return [str(one["name"]) for one in found if one["in"] == place]

    def _body(self) -> Mapping[str, Any]:
        content = self.described.get("requestBody", {}).get("content", {})
        schema: Mapping[str, Any] = content.get("application/json", {}).get("schema", {})
        return schema


def operations(stack: Stack) -> Iterator[Operation]:
    """All of all services that people call."""
    for service in PEOPLE:
        url = f"{stack.urls[service]}/openapi.json"
        document = httpx.get(url, trust_env=False).raise_for_status().json()
        for path, methods in document["paths"].items():
            for method in METHODS:
                if method in methods and path.startswith("/v1/"):
                    schemas = document["components"]["schemas"]
                    yield Operation(service, method.upper(), path, methods[method], schemas)


def example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A value that the schema allows, as small as can be."""
    schema = _resolved(schema, schemas)
    if fixed := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return fixed[0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: example(properties[name], schemas) for name in schema.get("required", ())}
        case "array":
            return [example(schema["items"], schemas)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case _:
            return "x" * max(1, schema.get("minLength", 1))


def put(body: Any, path: Path, value: str) -> Any:
    """The body with a value at a path; what is missing on the way is made."""
    if not path:
        return value
    if path[0] == "0":
        return [put(body[0] if body else {}, path[1:], value)]
    known = body if isinstance(body, dict) else {}
    return {**known, path[0]: put(known.get(path[0]), path[1:], value)}


def _leaves(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], path: Path = ()
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    schema = _resolved(schema, schemas)
    match schema.get("type"):
        case "object":
            for name, inner in schema.get("properties", {}).items():
                yield from _leaves(inner, schemas, (*path, name))
        case "array":
            yield from _leaves(schema["items"], schemas, (*path, "0"))
        case _ if path:
            yield path, schema


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """Behind references; of alternatives the first that is something."""
    while True:
        if "$ref" in schema:
            schema = schemas[str(schema["$ref"]).rsplit("/", 1)[1]]
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            schema = next(one for one in choices if one.get("type") != "null")
        else:
            return schema
