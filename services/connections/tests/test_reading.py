"""Reading and removing connections, page by page, and only one's own."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from common.ids import new_id
from support.gateway import Gateway
from support.people import bearer

pytestmark = pytest.mark.anyio


async def _connect(api: httpx.AsyncClient, token: str, **headers: str) -> dict[str, Any]:
    body = {"platform": "rutube", "token": token}
    found: dict[str, Any] = (await api.post("/v1/connections", json=body, headers=headers)).json()
    return found


async def test_a_connection_reads_the_same_everywhere(api: httpx.AsyncClient) -> None:
    made = await _connect(api, "one")
    assert (await api.get(f"/v1/connections/{made['id']}")).json() == made
    assert (await api.get("/v1/connections")).json()["items"] == [made]


async def test_pages_follow_each_other_without_gap_or_twin(api: httpx.AsyncClient) -> None:
    made = [(await _connect(api, f"t{number}"))["id"] for number in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("/v1/connections", params=query)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await _connect(api, f"later-{cursor}")  # what comes meanwhile does not shift the pages
    assert seen == sorted(made, reverse=True)


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 201}, {"cursor": "nonsense"}, {"cursor": "WyJ4Il0"}]
)
async def test_a_page_that_nobody_gave_out_is_refused(
    api: httpx.AsyncClient, query: dict[str, Any]
) -> None:
    answer = await api.get("/v1/connections", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_disconnecting_is_immediate_and_told_with_the_grant(
    api: httpx.AsyncClient, user: str, told: Callable[[str], Any]
) -> None:
    await _connect(api, "one")
    made = await _connect(api, "one")
    answer = await api.delete(f"/v1/connections/{made['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.get(f"/v1/connections/{made['id']}")).status_code == 404
    assert (await api.get("/v1/connections")).json()["items"] == []
    assert (await api.delete(f"/v1/connections/{made['id']}")).status_code == 404
    *_, fact = await told(user)
    assert fact["type"] == "PlatformDisconnected.v1"
    assert fact["subject"] == made["id"]
    assert fact["data"]["grant_number"] == 2
    assert fact["aggregateversion"] == 3


async def test_every_operation_treats_a_foreign_id_like_one_that_never_was(
    api: httpx.AsyncClient, gateway: Gateway, user: str, told: Callable[[str], Any]
) -> None:
    theirs = (await _connect(api, "one", **bearer(f"{user}-2")))["id"]
    paths = (await api.get("/openapi.json")).json()["paths"]
    tried = 0
    for path, operations in paths.items():
        if "{connection_id}" not in path:
            continue
        for method in operations:
            foreign, absent = [
                await api.request(method, path.replace("{connection_id}", one))
                for one in (theirs, str(new_id()))
            ]
            assert (foreign.status_code, absent.status_code) == (404, 404)
            assert foreign.content == absent.content
            tried += 1
    assert tried == 3
    assert gateway.count("check") == 0
    assert len(await told(f"{user}-2")) == 1
    still = await api.get(f"/v1/connections/{theirs}", headers=bearer(f"{user}-2"))
    assert still.status_code == 200
