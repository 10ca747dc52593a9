"""Rutube's calls: tokens, lists, fields, edits, and the limits nobody tells."""

from typing import Any

import httpx
import pytest

from sandbox.rutube_accounts import DEMO_PASSWORD, DEMO_TOKEN, DEMO_USER
from sandbox.world import World
from support.rutube_api import TOKEN, create

pytestmark = pytest.mark.anyio


async def test_a_password_gives_a_token_and_a_wrong_one_is_a_bad_request(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/rutube/api/accounts/token_auth/", "/rutube/api/accounts/token_auth"):
        right = await client.post(path, data={"username": DEMO_USER, "password": DEMO_PASSWORD})
        assert right.json() == {"token": DEMO_TOKEN}
    wrong = await client.post(path, json={"username": DEMO_USER, "password": "x"})
    assert wrong.status_code == 400
    assert "non_field_errors" in wrong.json()


async def test_tokens_come_as_token_or_bearer_and_dead_ones_are_refused(
    client: httpx.AsyncClient,
) -> None:
    url = "/rutube/api/video/person/"
    for scheme in ("Token", "Bearer"):
        answer = await client.get(url, headers={"Authorization": f"{scheme} {DEMO_TOKEN}"})
        assert answer.json()["results"] == []
    dead = await client.get(url, headers={"Authorization": f"Token {'0' * 40}"})
    assert (dead.status_code, dead.json()) == (401, {"detail": "Invalid token."})
    without = await client.get(url)
    assert without.status_code == 401
    assert "not provided" in without.json()["detail"]


async def test_the_own_list_is_newest_first_and_shows_where_the_file_came_from(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    made = []
    for number in range(3):
        made.append(await create(client, f"{links}/clip.mp4?n={number}", title=f"Клип {number}"))
        world.clock.advance(1)
    first = (
        await client.get("/rutube/api/video/person/", params={"limit": 2}, headers=TOKEN)
    ).json()
    assert [video["id"] for video in first["results"]] == made[:0:-1]
    assert first["results"][0]["source_url"] == f"{links}/clip.mp4?n=2"
    assert first["has_next"] is True
    assert first["next"].startswith("http://sandbox.test/rutube/api/video/person/?page=2")
    second = (
        await client.get("/rutube/api/video/person", params={"limit": 2, "page": 2}, headers=TOKEN)
    ).json()
    assert [video["id"] for video in second["results"]] == made[:1]
    assert (second["has_next"], second["next"]) == (False, None)


async def test_the_own_list_may_lag_by_switch(client: httpx.AsyncClient, links: str) -> None:
    await client.post("/_switches", json={"rutube_list_lags": True})
    await create(client, f"{links}/clip.mp4")
    listed = await client.get("/rutube/api/video/person/", headers=TOKEN)
    assert listed.json()["results"] == []


async def test_bursts_are_throttled_without_a_hint_and_by_order_with_one(
    client: httpx.AsyncClient, world: World
) -> None:
    for _ in range(10):
        answer = await client.get("/rutube/api/video/person/", headers=TOKEN)
        assert answer.status_code == 200
    refused = await client.get("/rutube/api/video/person/", headers=TOKEN)
    assert refused.status_code == 429
    assert "retry-after" not in refused.headers
    world.clock.advance(5)
    order = {"platform": "rutube", "step": "list", "kind": "rate_limited_told"}
    await client.post("/_faults", json=order)
    told = await client.get("/rutube/api/video/person/", headers=TOKEN)
    assert (told.status_code, told.headers["retry-after"]) == (429, "2")
    assert (await client.get("/rutube/api/video/person/", headers=TOKEN)).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "x"}, "url"),
        ({"url": "clip.mp4"}, "url"),
        ({"url": "http://h/c", "title": "x" * 101}, "title"),
        ({"url": "http://h/c", "category_id": 999}, "category_id"),
        ({"url": "http://h/c", "is_hidden": "maybe"}, "is_hidden"),
    ],
)
async def test_bad_fields_are_named(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/rutube/api/video/", json=body, headers=TOKEN)
    assert answer.status_code == 400
    assert isinstance(answer.json()[field][0], str)
    assert (await client.get("/_ledger")).json() == []


async def test_the_invented_calls_of_old_documents_do_not_exist(
    client: httpx.AsyncClient, links: str
) -> None:
    video_id = await create(client, f"{links}/clip.mp4", is_short=True)
    upload = await client.put(f"/rutube/api/video/{video_id}/upload/", content=b"x", headers=TOKEN)
    assert upload.status_code in {404, 405}
    (entry,) = (await client.get("/_journal", params={"step": "create"})).json()
    assert entry["warnings"] == ["POST /api/video/ has no field is_short"]


async def test_a_video_is_edited_whole_or_in_part(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    url = f"/rutube/api/video/{await create(client, f'{links}/clip.mp4')}"
    early = await client.delete(url, headers=TOKEN)
    assert early.status_code == 404
    world.clock.advance(31)
    part = await client.patch(url, json={"title": "Новый"}, headers=TOKEN)
    assert part.json()["title"] == "Новый"
    blank = await client.patch(url, json={"title": " "}, headers=TOKEN)
    assert (blank.status_code, list(blank.json())) == (400, ["title"])
    incomplete = await client.put(f"{url}/", json={"title": "x"}, headers=TOKEN)
    assert (incomplete.status_code, list(incomplete.json())) == (400, ["description"])
    whole = {"title": "x", "description": "y", "is_hidden": 1, "category": 8}
    replaced = (await client.put(f"{url}/", json=whole, headers=TOKEN)).json()
    assert (replaced["is_hidden"], replaced["category"]["id"]) == (True, 8)


async def test_a_cover_is_a_picture_of_limited_size(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    url = f"/rutube/api/video/{await create(client, f'{links}/clip.mp4')}/thumbnail/"
    world.clock.advance(31)

    async def put(content: bytes, kind: str) -> httpx.Response:
        return await client.post(url, files={"file": ("c", content, kind)}, headers=TOKEN)

    assert "thumbnail_url" in (await put(b"jpeg", "image/jpeg")).json()
    assert (await put(b"gif", "image/gif")).status_code == 400
    assert (await put(b"x" * 10_000_001, "image/png")).status_code == 413


async def test_a_deleted_video_is_gone_for_good(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    url = f"/rutube/api/video/{await create(client, f'{links}/clip.mp4')}"
    world.clock.advance(31)
    other = (await client.post("/_accounts", json={"platform": "rutube"})).json()
    foreign = {"Authorization": f"Token {other['token']}"}
    assert (await client.delete(url, headers=foreign)).status_code == 403
    assert (await client.delete(url, headers=TOKEN)).status_code == 204
    assert (await client.delete(url, headers=TOKEN)).status_code == 404
    assert (await client.get("/_ledger")).json()[0]["deleted_at"] is not None


async def test_profiles_name_the_account(client: httpx.AsyncClient) -> None:
    own = (await client.get("/rutube/api/profile/user/", headers=TOKEN)).json()
    public = (await client.get(f"/rutube/api/profile/user/{own['id']}/")).json()
    assert own == public
    assert (await client.get("/rutube/api/accounts/profile/")).status_code == 401


async def test_a_revoked_token_is_dead(client: httpx.AsyncClient) -> None:
    order = {"platform": "rutube", "token": DEMO_TOKEN, "revoked": True}
    await client.post("/_accounts", json=order)
    answer = await client.get("/rutube/api/video/person/", headers=TOKEN)
    assert answer.status_code == 401
    await client.delete("/_state")
    answer = await client.get("/rutube/api/video/person/", headers=TOKEN)
    assert answer.status_code == 200
