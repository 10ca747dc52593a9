"""The outside of the service: which routes exist, how they are described, what every answer has."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from support.openapi import require_closed
from support.people import bearer
from support.serving import serving

pytestmark = pytest.mark.anyio
ROUTES = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/v1/platforms"),
    ("GET", "/v1/connections"),
    ("POST", "/v1/connections"),
    ("GET", "/v1/connections/{connection_id}"),
    ("DELETE", "/v1/connections/{connection_id}"),
    ("POST", "/v1/connections/{connection_id}/test"),
    ("POST", "/v1/connections/{platform}/authorize"),
    ("POST", "/v1/connections/finish"),
}


def _described(document: dict[str, dict[str, dict[str, object]]]) -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }


async def test_there_are_these_routes_and_no_other(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    assert _described(document) == ROUTES
    for path in ("/try", "/asyncapi", "/asyncapi/try", "/docs/try"):
        assert (await api.post(path)).status_code in {404, 405}


async def test_every_operation_for_people_is_named_typed_and_tells_its_refusals(
    api: httpx.AsyncClient,
) -> None:
    document = (await api.get("/openapi.json")).json()
    names = []
    for path, operations in document["paths"].items():
        for operation in operations.values():
            names.append(operation["operationId"])
            if not path.startswith("/v1/"):
                continue
            assert operation["security"]
            assert {"401", "503"} <= set(operation["responses"])
            for status, answer in operation["responses"].items():
                if status == "204":
                    continue
                (media,) = answer["content"].values()
                assert "$ref" in media["schema"]
    assert len(names) == len(set(names))


async def test_a2_no_body_takes_a_field_that_is_not_described(api: httpx.AsyncClient) -> None:
    """Of every operation, also of those to come."""
    document = (await api.get("/openapi.json")).json()
    require_closed(document, among={"AuthorizeIn", "FinishIn", "RutubeIn", "TelegramIn"})


async def test_a_closed_service_shows_no_docs_and_keeps_metrics_elsewhere(
    new_app: Callable[..., FastAPI], user: str
) -> None:
    app = new_app(expose_docs=False)
    assert not [route for route in app.routes if getattr(route, "path", "") == "/docs"]
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, headers=bearer(user)) as api,
    ):
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert (await api.get(path)).status_code == 404


async def test_answers_are_never_cached_and_carry_the_trace(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/connections")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["traceparent"].startswith("00-")


async def test_without_its_database_it_is_not_ready_and_says_so(
    new_app: Callable[..., FastAPI], user: str
) -> None:
    app = new_app(database_url="postgresql://nobody@127.0.0.1:1/none")
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, headers=bearer(user), timeout=30) as api,
    ):
        assert (await api.get("/healthz")).status_code == 200
        ready = await api.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        answer = await api.get("/v1/connections")
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
