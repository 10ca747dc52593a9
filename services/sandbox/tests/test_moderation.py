"""What platforms do by themselves to posts that people have seen: VK's and Дзен's, on order."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.world import make_world

pytestmark = pytest.mark.anyio

HOUR = 3600
VIDEOS = "/dzen/publisher/videos"


@pytest.fixture
def settings() -> Settings:
    return Settings(public_url="http://sandbox.test", dzen_calls_per_second=0)


class Post:
    """One post an hour after its publication."""

    platform: str
    post_id: str

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def pass_time(self, seconds: float) -> None:
        await self.http.post("/_clock", json={"advance_seconds": seconds})

    async def suffers(self, do: str, **more: Any) -> None:
        order = {"platform": self.platform, "post_id": self.post_id, "do": do, **more}
        answer = await self.http.post("/_posts", json=order)
        assert answer.status_code == 204, answer.text

    async def deleted_at(self) -> str | None:
        (post,) = (await self.http.get("/_ledger")).json()
        told: str | None = post["deleted_at"]
        return told

    async def look(self) -> tuple[str, int]:
        """shown, hidden, processing, blocked or gone; and its views."""
        raise NotImplementedError


class VkPost(Post):
    platform = "vk"

    async def publish(self, vk: Any, clip: bytes) -> None:
        self.vk = vk
        self.post_id = await vk.post_video(clip, name="x")

    async def look(self) -> tuple[str, int]:
        await self.pass_time(1)
        items = (await self.vk.call("video.get", videos=self.post_id))["items"]
        if not items:
            return "gone", 0
        if "processing" in items[0] or "converting" in items[0]:
            return "processing", items[0]["views"]
        state = "hidden" if items[0].get("is_private") else "shown"
        state = "blocked" if items[0].get("content_restricted") else state
        return state, items[0]["views"]


class DzenPost(Post):
    platform = "dzen"

    async def publish(self, clip: bytes) -> None:
        made = (await self.http.post("/_accounts", json={"platform": "dzen"})).json()
        self.author = {"Authorization": f"OAuth {made['access_token']}"}
        body = {"title": "Клип", "type": "short"}
        drafted = (await self.http.post(VIDEOS, json=body, headers=self.author)).json()
        sent = self.author | {"Content-Type": "video/mp4"}
        await self.http.put(drafted["uploadUrl"], content=clip, headers=sent)
        self.post_id = drafted["id"]
        await self.http.post(f"{VIDEOS}/{self.post_id}/publish", headers=self.author)

    async def look(self) -> tuple[str, int]:
        answer = await self.http.get(f"{VIDEOS}/{self.post_id}", headers=self.author)
        if answer.status_code == 404:
            return "gone", 0
        shown = answer.json()
        state = {"published": "shown", "rejected": "blocked"}.get(shown["status"], shown["status"])
        stats = await self.http.get(f"{VIDEOS}/{self.post_id}/stats", headers=self.author)
        assert (stats.status_code == 200) is (state == "shown")
        return state, shown["statistics"]["views"]


@pytest.fixture(params=["vk", "dzen"])
async def post(request: Any, client: httpx.AsyncClient, vk: Any, mp4: Any) -> Post:
    if request.param == "vk":
        in_vk = VkPost(client)
        await in_vk.publish(vk, mp4())
    else:
        in_dzen = DzenPost(client)
        await in_dzen.publish(mp4())
    made: Post = in_vk if request.param == "vk" else in_dzen
    await made.pass_time(HOUR)
    return made


async def test_a_post_that_is_processed_again_counts_nothing_for_a_while(post: Post) -> None:
    state, before = await post.look()
    await post.suffers("process", seconds=HOUR)
    assert await post.look() == ("processing", 0)
    await post.pass_time(HOUR)
    again, after = await post.look()
    assert (state, again) == ("shown", "shown")
    assert after > before > 0
    assert await post.deleted_at() is None


async def test_purged_views_are_gone_and_the_rest_goes_on_growing(post: Post) -> None:
    _, before = await post.look()
    await post.suffers("purge", views=before - 5)
    _, purged = await post.look()
    await post.suffers("purge", views=10**9)
    _, none = await post.look()
    await post.pass_time(HOUR)
    _, later = await post.look()
    assert none < purged < before
    assert none in (0, 1)
    assert 0 < later <= before + 3


async def test_a_deleted_post_is_gone_until_it_is_restored(post: Post) -> None:
    await post.suffers("delete")
    assert await post.look() == ("gone", 0)
    assert await post.deleted_at()
    await post.suffers("restore")
    state, views = await post.look()
    assert (state, views > 0) == ("shown", True)
    assert await post.deleted_at() is None


async def test_a_blocked_post_is_shown_so_until_it_is_restored(post: Post) -> None:
    await post.suffers("process", seconds=HOUR)
    await post.suffers("block")
    assert (await post.look())[0] == "blocked"
    assert await post.deleted_at()
    await post.suffers("restore")
    assert (await post.look())[0] == "shown"
    assert await post.deleted_at() is None


async def test_a_hidden_post_is_its_owners_until_it_is_restored(post: Post) -> None:
    _, before = await post.look()
    await post.suffers("hide")
    state, views = await post.look()
    assert (state, views >= before) == ("hidden", post.platform == "vk")
    assert await post.deleted_at() is None
    await post.suffers("restore")
    state, views = await post.look()
    assert (state, views >= before) == ("shown", True)


async def test_hiding_ends_neither_processing_nor_a_block(post: Post) -> None:
    await post.suffers("process", seconds=HOUR)
    await post.suffers("hide")
    assert (await post.look())[0] == "processing"
    await post.pass_time(HOUR)
    assert (await post.look())[0] == "hidden"
    await post.suffers("block")
    await post.suffers("hide")
    assert (await post.look())[0] == "blocked"
    assert await post.deleted_at()


async def test_a_video_hidden_in_vk_is_still_private_when_it_is_blocked(vk: Any, mp4: Any) -> None:
    post = VkPost(vk.http)
    await post.publish(vk, mp4())
    await post.pass_time(HOUR)
    await post.suffers("hide")
    await post.suffers("block")
    [own] = (await vk.call("video.get", videos=post.post_id))["items"]
    assert (own["is_private"], own["content_restricted"]) == (1, 1)


async def test_a_video_hidden_in_vk_is_omitted_omitted_for_strangers_until_its_owner_opens_it(
    vk: Any, new_vk: Any, mp4: Any
) -> None:
    post, stranger = VkPost(vk.http), await new_vk()
    await post.publish(vk, mp4())
    await post.suffers("hide")
    [own] = (await vk.call("video.get", videos=post.post_id))["items"]
    assert (own["is_private"], own["privacy_view"]) == (1, {"category": "only_me"})
    assert (await stranger.call("video.get", videos=post.post_id))["items"] == []
    number = post.post_id.partition("_")[2]
    await vk.pass_time(1)
    await vk.call("video.edit", video_id=number, name="y")
    assert (await stranger.call("video.get", videos=post.post_id))["items"] == []
    await vk.call("video.edit", video_id=number, privacy_view="all")
    [seen] = (await stranger.call("video.get", videos=post.post_id))["items"]
    assert "is_private" not in seen


async def test_what_is_deleted_can_only_be_restored(post: Post) -> None:
    await post.suffers("delete")
    order = {"platform": post.platform, "post_id": post.post_id}
    for more in (
        {"do": "delete"},
        {"do": "block"},
        {"do": "hide"},
        {"do": "process", "seconds": 1},
    ):
        assert (await post.http.post("/_posts", json=order | more)).status_code == 404


async def test_vk_says_converting_when_it_encodes_again(vk: Any, mp4: Any) -> None:
    post = VkPost(vk.http)
    await post.publish(vk, mp4())
    [first] = (await vk.call("video.get", videos=post.post_id))["items"]
    await vk.pass_time(HOUR)
    await post.suffers("process", seconds=HOUR)
    [again] = (await vk.call("video.get", videos=post.post_id))["items"]
    assert [item.get("processing") for item in (first, again)] == [1, None]
    assert [item.get("converting") for item in (first, again)] == [None, 1]


@pytest.mark.parametrize(
    "more",
    [
        {"do": "forget"},
        {"do": "process"},
        {"do": "process", "seconds": 0},
        {"do": "purge"},
        {"do": "purge", "views": 0},
        {"do": "delete", "seconds": 5},
        {"do": "hide", "seconds": 5},
        {"do": "delete", "platform": "telegram"},
    ],
)
async def test_senseless_orders_are_refused(post: Post, more: dict[str, Any]) -> None:
    order = {"platform": post.platform, "post_id": post.post_id}
    assert (await post.http.post("/_posts", json=order | more)).status_code == 422
    assert (await post.look())[0] == "shown"


async def test_what_was_never_posted_cannot_change(client: httpx.AsyncClient, vk: Any) -> None:
    saved = await vk.call("video.save", name="x")
    reserved = f"{saved['owner_id']}_{saved['video_id']}"
    for platform, post_id in (("vk", reserved), ("vk", "1_1"), ("dzen", "x"), ("rutube", "x")):
        for do in ("delete", "hide", "restore"):
            order = {"platform": platform, "post_id": post_id, "do": do}
            assert (await client.post("/_posts", json=order)).status_code == 404


async def test_what_a_platform_did_outlives_a_restart(
    tmp_path: Path, new_vk: Any, mp4: Any
) -> None:
    settings = Settings(
        public_url="http://sandbox.test",
        ledger_file=tmp_path / "ledger.jsonl",
        dzen_calls_per_second=0,
    )

    def opened() -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=create_app(make_world(settings)))
        return httpx.AsyncClient(transport=transport, base_url="http://sandbox.test")

    async with opened() as http:
        vk = await new_vk(http=http)
        posts: list[Post] = []
        for _ in range(2):
            in_vk, in_dzen = VkPost(http), DzenPost(http)
            await in_vk.publish(vk, mp4())
            await in_dzen.publish(mp4())
            posts += [in_vk, in_dzen]
        for post in posts[:2]:
            await post.suffers("process", seconds=2 * HOUR)
            await post.suffers("hide")
        for post in posts[2:]:
            await post.suffers("delete")
    async with opened() as http:
        vk.http = http
        for post in posts:
            post.http = http
        await posts[0].pass_time(HOUR)
        assert [(await post.look())[0] for post in posts] == ["processing"] * 2 + ["gone"] * 2
        for post in posts[2:]:
            await post.suffers("restore")
    async with opened() as http:
        vk.http = http
        for post in posts:
            post.http = http
        await posts[0].pass_time(3 * HOUR)
        assert [(await post.look())[0] for post in posts] == ["hidden"] * 2 + ["shown"] * 2
