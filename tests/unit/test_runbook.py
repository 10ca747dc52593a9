"""What the runbook tells people to call exists."""

import re

import pytest

from localrun.environment import TREE
from security.test_routes import ROUTES

CALL = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[^\s`?]+)")
KNOWN = {route for routes in ROUTES.values() for route in routes}


def calls(text: str) -> set[tuple[str, str]]:
    return {(method, path) for method, path in CALL.findall(text)}


def shape(route: tuple[str, str]) -> tuple[str, str]:
    """A path whatever its parameters are called."""
    method, path = route
    return method, re.sub(r"\{\w+\}", "{}", path)


def test_every_call_in_the_runbook_is_a_route() -> None:
    named = calls((TREE / "docs/runbook.md").read_text())
    assert ("POST", "/v1/publications/{id}/retry") in named
    assert {shape(one) for one in named} <= {shape(one) for one in KNOWN}


@pytest.mark.parametrize("call", ["DELETE /v1/pauses/connection/{id}", "PUT /v1/pauses"])
def test_a_call_that_no_service_takes_is_noticed(call: str) -> None:
    assert {shape(one) for one in calls(f"`{call}?x=1`")}.isdisjoint(shape(one) for one in KNOWN)
