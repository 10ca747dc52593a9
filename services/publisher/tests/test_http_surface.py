"""The outside of the gateway: its routes, their description, and whatever strangers may send."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from support.openapi import require_closed
from support.people import bearer
from support.serving import serving

from .person import PATH, Person

pytestmark = pytest.mark.anyio
ROUTES = {
    *[("GET", path) for path in ("/healthz", "/readyz", "/metrics")],
    ("PUT", "/v1/media/{name}"),
    ("GET", "/v1/files/{publication_id}"),
    ("HEAD", "/v1/files/{publication_id}"),
    ("GET", PATH),
    ("POST", PATH),
    ("POST", f"{PATH}/validate"),
    ("GET", f"{PATH}/stream"),
    ("GET", PATH + "/{publication_id}"),
    ("PATCH", PATH + "/{publication_id}"),
    ("GET", PATH + "/{publication_id}/timeline"),
    *[("POST", PATH + "/{publication_id}/" + verb) for verb in ("cancel", "retry", "resolve")],
    *[(method, "/v1/pauses") for method in ("GET", "POST", "DELETE")],
}
EXAMPLES = settings(
    max_examples=3,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


async def test_there_are_these_routes_and_no_other(anonymous: httpx.AsyncClient) -> None:
    document = (await anonymous.get("/openapi.json")).json()
    assert {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    } == ROUTES


async def test_every_operation_is_named_typed_and_tells_its_refusals(
    anonymous: httpx.AsyncClient,
) -> None:
    document = (await anonymous.get("/openapi.json")).json()
    names = []
    for path, operations in document["paths"].items():
        for operation in operations.values():
            names.append(operation["operationId"])
            if not path.startswith("/v1/"):
                continue
            answers = operation["responses"]
            assert {"503"} <= set(answers)
            if not path.startswith("/v1/files"):
                assert operation["security"]
                assert {"401"} <= set(answers)
            for status, answer in answers.items():
                if status in {"204", "206", "416"}:
                    continue
                if status.isdecimal() and int(status) >= 400:
                    schema = answer["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ProblemBody"}
                assert answer["content"]
    assert len(names) == len(set(names))


async def test_a2_no_body_takes_a_field_that_is_not_described(anonymous: httpx.AsyncClient) -> None:
    """Of every operation, also of those to come."""
    document = (await anonymous.get("/openapi.json")).json()
    require_closed(
        document, among={"PublicationsIn", "TargetIn", "MediaIn", "EditIn", "ResolveIn", "PauseIn"}
    )


@pytest.fixture
async def impatient(new_app: Callable[..., FastAPI]) -> AsyncIterator[str]:
    """The gateway, but it does not wait for accounts that were just connected."""
    app = new_app()
    async with serving(app) as url:
        app.state.gateway = replace(app.state.gateway, patience=timedelta())
        yield url


def _explore(
    operation: APIOperation[Any, Any, Any, Any],
    headers: dict[str, str],
    mode: GenerationMode,
    publication: str,
) -> None:
    @EXAMPLES
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        if mode is GenerationMode.POSITIVE and "publication_id" in case.path_parameters:
            case.path_parameters["publication_id"] = publication
        case.call_and_validate(
            headers=headers,
            timeout=20,
            checks=[not_a_server_error, status_code_conformance, response_schema_conformance],
        )

    ask()


@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_nothing_a_stranger_can_send_breaks_it_or_is_answered_with_an_unknown_status(
    impatient: str, me: Person, mode: GenerationMode
) -> None:
    publication = await me.scheduled()
    schema = await asyncio.to_thread(schemathesis.openapi.from_url, f"{impatient}/openapi.json")
    headers = bearer(me.user, "pro", role="operator")
    try:
        for found in schema.exclude(path=f"{PATH}/stream").get_all_operations():
            operation = found.ok()  # type: ignore[union-attr] # a broken schema shall raise
            if mode is GenerationMode.NEGATIVE and not operation.path.startswith("/v1"):
                continue  # nothing to get wrong
            await asyncio.to_thread(_explore, operation, headers, mode, publication["id"])
    finally:
        await me.lab.rows("DELETE FROM pauses")


async def test_answers_are_never_cached_and_carry_the_trace(me: Person) -> None:
    answer = await me.api.get(PATH)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["traceparent"].startswith("00-")


async def test_a_closed_gateway_shows_no_docs(new_app: Callable[..., FastAPI], user: str) -> None:
    async with (
        serving(new_app(expose_docs=False)) as url,
        httpx.AsyncClient(base_url=url, headers=bearer(user), trust_env=False) as api,
    ):
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert (await api.get(path)).status_code == 404
