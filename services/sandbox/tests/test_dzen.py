"""The assumed Дзен contract: draft, raw upload, publish, and refusals in one shape."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.world import World, make_world

pytestmark = pytest.mark.anyio

ORIGIN = "http://sandbox.test"
VIDEOS = "/dzen/publisher/videos"
MIB = 1024 * 1024


@pytest.fixture
def settings() -> Settings:
    return Settings(public_url=ORIGIN, processing_seconds=60, dzen_calls_per_second=0)


@pytest.fixture
async def author(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client)


async def signed_in(client: httpx.AsyncClient, **overrides: Any) -> dict[str, str]:
    made = await client.post("/_accounts", json={"platform": "dzen", **overrides})
    return {"Authorization": f"OAuth {made.json()['access_token']}"}


async def draft(
    client: httpx.AsyncClient, author: dict[str, str], title: str = "Клип"
) -> tuple[str, str]:
    body = {"title": title, "description": "…", "type": "short"}
    answer = await client.post(VIDEOS, json=body, headers=author)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert len(made["id"]) == 24
    assert made["uploadUrl"].startswith(f"{ORIGIN}/dzen/upload/")
    return made["id"], made["uploadUrl"]


async def put(
    client: httpx.AsyncClient, url: str, author: dict[str, str], content: Any, **headers: str
) -> httpx.Response:
    sent = {"Content-Type": "video/mp4", **author, **headers}
    return await client.put(url, content=content, headers=sent)


async def published(
    client: httpx.AsyncClient, author: dict[str, str], clip: bytes
) -> tuple[str, httpx.Response]:
    video_id, url = await draft(client, author)
    assert (await put(client, url, author, clip)).status_code == 200
    return video_id, await client.post(f"{VIDEOS}/{video_id}/publish", headers=author)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_clip_becomes_visible_after_upload_publish_and_processing(
    client: httpx.AsyncClient, world: World, author: dict[str, str], mp4: Callable[..., bytes]
) -> None:
    clip = mp4(padding=b"x" * 5000)
    video_id, answer = await published(client, author, clip)
    assert (answer.json()["status"], answer.json()["url"]) == ("processing", None)
    status = await client.get(f"{VIDEOS}/{video_id}", headers=author)
    assert status.json()["status"] == "processing"
    world.clock.advance(61)
    shown = (await client.get(f"{VIDEOS}/{video_id}", headers=author)).json()
    assert shown["status"] == "published"
    assert shown["url"] == f"https://dzen.ru/video/watch/{video_id}"
    (post,) = (await client.get("/_ledger")).json()
    assert (post["url"], post["title"]) == (shown["url"], "Клип")
    assert (post["sha256"], post["bytes"]) == (hashlib.sha256(clip).hexdigest(), len(clip))


async def test_a_draft_is_no_post_and_cannot_be_published_empty(
    client: httpx.AsyncClient, author: dict[str, str]
) -> None:
    video_id, _ = await draft(client, author)
    early = await client.post(f"{VIDEOS}/{video_id}/publish", headers=author)
    assert refusal(early) == (409, "conflict")
    assert (await client.get("/_ledger")).json() == []


async def test_publishing_again_tells_the_same_or_by_switch_a_conflict(
    client: httpx.AsyncClient, author: dict[str, str], mp4: Callable[..., bytes]
) -> None:
    video_id, first = await published(client, author, mp4())
    again = await client.post(f"{VIDEOS}/{video_id}/publish", headers=author)
    assert again.json() == first.json()
    await client.post("/_switches", json={"dzen_publish_conflict": True})
    conflict = await client.post(f"{VIDEOS}/{video_id}/publish", headers=author)
    assert refusal(conflict) == (409, "already_published")
    assert len((await client.get("/_ledger")).json()) == 1


async def test_an_upload_may_be_repeated_until_publish(
    client: httpx.AsyncClient, author: dict[str, str], mp4: Callable[..., bytes]
) -> None:
    video_id, url = await draft(client, author)
    last = mp4(padding=b"second")
    assert (await put(client, url, author, mp4())).status_code == 200
    assert (await put(client, url, author, last)).json()["status"] == "uploaded"
    await client.post(f"{VIDEOS}/{video_id}/publish", headers=author)
    assert refusal(await put(client, url, author, last)) == (409, "conflict")
    (post,) = (await client.get("/_ledger")).json()
    assert post["sha256"] == hashlib.sha256(last).hexdigest()


async def test_an_upload_needs_token_length_type_and_a_video(
    client: httpx.AsyncClient, author: dict[str, str], mp4: Callable[..., bytes]
) -> None:
    _, url = await draft(client, author)

    async def chunks() -> AsyncIterator[bytes]:
        yield mp4()

    stranger = await signed_in(client)
    assert refusal(await put(client, url, {}, mp4())) == (401, "unauthorized")
    assert refusal(await put(client, url, stranger, mp4())) == (404, "not_found")
    assert refusal(await put(client, url, author, chunks())) == (411, "length_required")
    wrong_type = {"Content-Type": "text/plain"}
    refused = await client.put(url, content=mp4(), headers=author | wrong_type)
    assert refusal(refused) == (415, "unsupported_media_type")
    assert refusal(await put(client, url, author, b"no video")) == (422, "unprocessable")


async def test_only_oauth_tokens_with_the_right_scope_and_a_channel_are_let_in(
    client: httpx.AsyncClient, author: dict[str, str]
) -> None:
    me = "/dzen/publisher/me"
    assert (await client.get(me, headers=author)).json()["id"]
    bearer = {"Authorization": author["Authorization"].replace("OAuth", "Bearer")}
    assert refusal(await client.get(me, headers=bearer)) == (401, "unauthorized")
    assert refusal(await client.get(me)) == (401, "unauthorized")
    for overrides in ({"channel": False}, {"channel_blocked": True}, {"scopes": ["zen:read"]}):
        refused = await client.get(me, headers=await signed_in(client, **overrides))
        assert refusal(refused) == (403, "forbidden")


async def test_own_videos_are_listed_newest_first_by_cursor(
    client: httpx.AsyncClient, author: dict[str, str]
) -> None:
    made = [(await draft(client, author, f"Клип {number}"))[0] for number in range(3)]
    await draft(client, await signed_in(client))
    first = (await client.get(VIDEOS, params={"limit": 2}, headers=author)).json()
    assert [video["id"] for video in first["items"]] == made[:0:-1]
    rest = {"limit": 2, "cursor": first["nextCursor"]}
    second = (await client.get(VIDEOS, params=rest, headers=author)).json()
    assert [video["id"] for video in second["items"]] == made[:1]
    assert second["nextCursor"] is None
    refused = await client.get(VIDEOS, params={"limit": 1000}, headers=author)
    assert refusal(refused) == (400, "bad_request")


async def test_a_video_is_edited_and_deleted_by_its_author_only(
    client: httpx.AsyncClient, author: dict[str, str], mp4: Callable[..., bytes]
) -> None:
    video_id, _ = await published(client, author, mp4())
    url = f"{VIDEOS}/{video_id}"
    edited = await client.patch(url, json={"title": "Новый"}, headers=author)
    assert edited.json()["title"] == "Новый"
    assert refusal(await client.patch(url, json={"title": " "}, headers=author))[0] == 400
    assert refusal(await client.patch(url, content=b"x", headers=author))[0] == 415
    assert refusal(await client.delete(url, headers=await signed_in(client)))[0] == 404
    assert (await client.delete(url, headers=author)).status_code == 204
    assert refusal(await client.delete(url, headers=author)) == (404, "not_found")
    assert (await client.get("/_ledger")).json()[0]["deleted_at"] is not None


async def test_numbers_grow_after_publication(
    client: httpx.AsyncClient, world: World, author: dict[str, str], mp4: Callable[..., bytes]
) -> None:
    video_id, _ = await published(client, author, mp4())
    url = f"{VIDEOS}/{video_id}/stats"
    assert (await client.get(url, headers=author)).status_code == 404
    world.clock.advance(36_000)
    stats = (await client.get(url, headers=author)).json()
    assert stats["views"] > stats["likes"] > stats["shares"] > 0


async def test_moderation_refuses_at_once_or_later(
    client: httpx.AsyncClient, world: World, author: dict[str, str], mp4: Callable[..., bytes]
) -> None:
    order = {"platform": "dzen", "step": "publish"}
    await client.post("/_faults", json={**order, "kind": "moderation"})
    _, refused = await published(client, author, mp4())
    assert refusal(refused) == (422, "moderation")
    await client.post("/_faults", json={**order, "kind": "rejected"})
    video_id, _ = await published(client, author, mp4())
    world.clock.advance(61)
    shown = await client.get(f"{VIDEOS}/{video_id}", headers=author)
    assert (shown.json()["status"], shown.json()["url"]) == ("rejected", None)


async def test_calls_are_paced_per_account_with_the_wait_told() -> None:
    world = make_world(Settings(public_url=ORIGIN, dzen_calls_per_second=0.5))
    transport = httpx.ASGITransport(app=create_app(world))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        author = await signed_in(client)
        for _ in range(5):
            answer = await client.get("/dzen/publisher/me", headers=author)
            assert answer.status_code == 200
        refused = await client.get("/dzen/publisher/me", headers=author)
        assert refusal(refused) == (429, "too_many_requests")
        world.clock.advance(int(refused.headers["retry-after"]))
        assert (await client.get("/dzen/publisher/me", headers=author)).status_code == 200


async def test_a_gigabyte_streams_through_flat_memory(
    served: httpx.AsyncClient, mp4: Callable[..., bytes]
) -> None:
    author = await signed_in(served)
    _, url = await draft(served, author)
    head, block, blocks = mp4(), bytes(MIB), 1024

    async def body() -> AsyncIterator[bytes]:
        yield head
        for _ in range(blocks):
            yield block

    before = peak_memory()
    length = {"Content-Length": str(len(head) + blocks * MIB)}
    path = url.removeprefix(ORIGIN)
    answer = await put(served, path, author, body(), **length)
    assert answer.status_code == 200, answer.text
    assert peak_memory() - before < 64 * MIB


def peak_memory() -> int:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
