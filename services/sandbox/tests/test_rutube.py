"""Rutube's simulator: it fetches the file itself, shows it late, and hides how it is doing."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from sandbox.rutube_accounts import DEMO_PASSWORD, DEMO_TOKEN, DEMO_USER
from sandbox.settings import Settings
from sandbox.world import World

pytestmark = pytest.mark.anyio

TOKEN = {"Authorization": f"Token {DEMO_TOKEN}"}
MOSCOW_FORMAT = "%Y-%m-%d %H:%M:%S"


@pytest.fixture
def settings() -> Settings:
    return Settings(
        public_url="http://sandbox.test", processing_seconds=60, link_patience_seconds=0.3
    )


@pytest.fixture
def clip(mp4: Callable[..., bytes]) -> bytes:
    return mp4(270, 480, 4, b"clip" * 500)


@pytest.fixture
async def links(clip: bytes) -> AsyncIterator[str]:
    """A host of files: one clip, one page, one file that never comes, one that is no video."""
    stop = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        kind = b"text/html" if path == b"/page" else b"video/mp4"
        body = clip if path.startswith(b"/clip") else b"not a video at all"
        status = b"404 Not Found" if path == b"/missing" else b"200 OK"
        writer.write(b"HTTP/1.1 %b\r\nContent-Type: %b\r\n" % (status, kind))
        writer.write(b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        if path == b"/stuck":
            await stop.wait()
        writer.write(body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield f"http://{host}:{port}"
    stop.set()
    server.close()


async def create(client: httpx.AsyncClient, url: str, **fields: Any) -> str:
    body = {"url": url, "title": "Клип", **fields}
    answer = await client.post("/rutube/api/video/", json=body, headers=TOKEN)
    assert answer.status_code == 201, answer.text
    video_id: str = answer.json()["video_id"]
    return video_id


async def state(client: httpx.AsyncClient, video_id: str) -> dict[str, Any]:
    answer = await client.get(f"/rutube/api/video/{video_id}/", headers=TOKEN)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def until(ready: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await ready():  # noqa: ASYNC110 - seen over HTTP only, there is no event
            await asyncio.sleep(0.01)


async def post_of(client: httpx.AsyncClient) -> dict[str, Any]:
    (post,) = (await client.get("/_ledger")).json()
    shown: dict[str, Any] = post
    return shown


async def fetched(client: httpx.AsyncClient) -> bool:
    return (await post_of(client))["sha256"] is not None


async def given_up(client: httpx.AsyncClient) -> bool:
    return (await post_of(client))["deleted_at"] is not None


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


async def test_a_clip_is_fetched_hidden_moderated_and_then_published(
    client: httpx.AsyncClient, world: World, links: str, clip: bytes
) -> None:
    video_id = await create(client, f"{links}/clip.mp4")
    assert len(video_id) == 32
    assert (await client.get(f"/rutube/api/video/{video_id}/")).status_code == 404
    await until(lambda: fetched(client))
    world.clock.advance(31)
    waiting = await state(client, video_id)
    assert (waiting["is_deleted"], waiting["status"]) == (False, "processing")
    assert waiting["action_reason"]["name"] == "moderation"
    assert waiting["publication_ts"] is None
    world.clock.advance(60)
    shown = await state(client, video_id)
    assert (shown["status"], shown["duration"]) == ("ready", 4)
    assert shown["publication_ts"]
    assert shown["video_url"] == f"https://rutube.ru/video/{video_id}/"
    public = await client.get(f"/rutube/api/video/{video_id}")
    assert "status" not in public.json()
    post = await post_of(client)
    assert post["sha256"] == hashlib.sha256(clip).hexdigest()
    assert (post["bytes"], post["deleted_at"]) == (len(clip), None)


async def test_a_video_being_downloaded_calls_itself_deleted(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await create(client, f"{links}/stuck")
    world.clock.advance(31)
    shown = await state(client, video_id)
    assert shown["is_deleted"] is True
    assert shown["action_reason"]["name"] == "downloading_video"
    assert (await post_of(client))["sha256"] is None


@pytest.mark.parametrize("path", ["missing", "page", "stuck", "text.mp4"])
async def test_what_cannot_be_fetched_is_never_published(
    client: httpx.AsyncClient, world: World, links: str, path: str
) -> None:
    video_id = await create(client, f"{links}/{path}")
    await until(lambda: given_up(client))
    world.clock.advance(120)
    shown = await state(client, video_id)
    assert (shown["is_deleted"], shown["status"]) == (True, "error")
    assert shown["action_reason"]["name"] == "download_error"


async def test_moderators_may_refuse_what_was_fetched(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    order = {"platform": "rutube", "step": "create", "kind": "rejected"}
    await client.post("/_faults", json=order)
    video_id = await create(client, f"{links}/clip.mp4")
    await until(lambda: fetched(client))
    world.clock.advance(120)
    shown = await state(client, video_id)
    assert (shown["is_deleted"], shown["action_reason"]["name"]) == (True, "blocked")


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


async def test_each_create_makes_another_video(client: httpx.AsyncClient, links: str) -> None:
    one, two = [await create(client, f"{links}/clip.mp4") for _ in range(2)]
    assert one != two
    assert len((await client.get("/_ledger")).json()) == 2


async def test_only_five_files_are_fetched_at_once(client: httpx.AsyncClient, links: str) -> None:
    for _ in range(5):
        await create(client, f"{links}/stuck")
    sixth = await client.post("/rutube/api/video/", json={"url": links}, headers=TOKEN)
    assert sixth.status_code == 429
    assert "retry-after" not in sixth.headers


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


async def test_numbers_grow_with_time_and_need_no_token(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await create(client, f"{links}/clip.mp4")
    await until(lambda: fetched(client))
    world.clock.advance(3600)
    first = (await client.get(f"/rutube/api/video/{video_id}/")).json()
    world.clock.advance(36_000)
    later = (await client.get(f"/rutube/api/video/{video_id}/")).json()
    assert 0 < first["hits"] < later["hits"]
    assert later["comments_count"] > 0
    votes = (await client.get(f"/rutube/api/numerator/video/{video_id}/vote?client=wdp")).json()
    assert votes["positive"] > votes["negative"] > 0


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


async def test_a_publication_waits_for_its_moscow_time(
    client: httpx.AsyncClient, world: World, links: str
) -> None:
    video_id = await create(client, f"{links}/clip.mp4")
    await until(lambda: fetched(client))
    world.clock.advance(31)
    local = datetime.fromtimestamp(world.clock.time() + 3 * 3600 + 600, world.clock.now().tzinfo)
    body = {"video": video_id, "timestamp": local.strftime(MOSCOW_FORMAT)}
    answer = await client.post("/rutube/api/video/publication/", json=body, headers=TOKEN)
    assert answer.json() == body
    world.clock.advance(300)
    assert (await state(client, video_id))["publication_ts"] is None
    world.clock.advance(301)
    assert (await state(client, video_id))["publication_ts"] is not None


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
