"""A killed sandbox comes back with its posts, its accounts and its tokens."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import create_app
from sandbox.eventlog import EventLog
from sandbox.settings import Settings
from sandbox.world import make_world

pytestmark = pytest.mark.anyio


def opened(path: Path) -> Any:
    settings = Settings(public_url="http://sandbox.test", ledger_file=path, sandbox_consent="allow")
    transport = httpx.ASGITransport(app=create_app(make_world(settings)))
    return httpx.AsyncClient(transport=transport, base_url="http://sandbox.test")


async def test_nothing_accepted_is_lost(tmp_path: Path, new_vk: Any, mp4: Any) -> None:
    path = tmp_path / "sandbox" / "ledger.jsonl"
    async with opened(path) as http:
        vk = await new_vk(http=http)
        key = await vk.post_video(mp4(), name="x")
        reserved = await vk.call("video.save", name="y")
        await vk.pass_time(1)
        post = await vk.call("wall.post", message="x", guid="g")
        await vk.call("video.delete", video_id=str(reserved["video_id"]))
        ledger = (await http.get("/_ledger")).json()
    async with opened(path) as http:
        vk.http = http
        assert (await http.get("/_ledger")).json() == ledger
        assert (await vk.call("video.get", videos=key))["count"] == 1
        assert await vk.call("wall.post", message="x", guid="g") == post
        assert (await vk.call("users.get"))[0]["id"] == vk.account["user_id"]
        fresh = await new_vk(http=http)
        assert fresh.account["user_id"] > vk.account["user_id"]


async def test_a_refresh_token_outlives_a_restart(tmp_path: Path, vkid: Any) -> None:
    path = tmp_path / "ledger.jsonl"
    async with opened(path) as http:
        vkid.http = http
        first, device = await vkid.connect()
        second = await vkid.refresh(first["refresh_token"], device)
    async with opened(path) as http:
        vkid.http = http
        assert (await vkid.refresh(first["refresh_token"], device))["error"] == "invalid_grant"
        assert "access_token" in await vkid.refresh(second["refresh_token"], device)


async def test_a_draft_of_dzen_is_uploaded_and_published_after_restarts(
    tmp_path: Path, mp4: Any
) -> None:
    path, videos = tmp_path / "ledger.jsonl", "/dzen/publisher/videos"
    async with opened(path) as http:
        made = (await http.post("/_accounts", json={"platform": "dzen"})).json()
        author = {"Authorization": f"OAuth {made['access_token']}"}
        body = {"title": "Клип", "type": "short"}
        drafted, other = [
            (await http.post(videos, json=body, headers=author)).json() for _ in range(2)
        ]
        await http.delete(f"{videos}/{other['id']}", headers=author)
    own = f"{videos}/{drafted['id']}"
    async with opened(path) as http:
        sent = author | {"Content-Type": "video/mp4"}
        uploaded = await http.put(drafted["uploadUrl"], content=mp4(), headers=sent)
        assert uploaded.json() == {"id": drafted["id"], "status": "uploaded"}
        await http.patch(own, json={"title": "Новый"}, headers=author)
    async with opened(path) as http:
        assert (await http.post(f"{own}/publish", headers=author)).json()["title"] == "Новый"
        assert [one["title"] for one in (await http.get("/_ledger")).json()] == ["Новый"]
        listed = (await http.get(videos, headers=author)).json()["items"]
        assert [one["id"] for one in listed] == [drafted["id"]]


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    log = EventLog(path)
    log.append("one", {"n": 1})
    log.close()
    with path.open("a") as file:
        file.write('{"kind": "one", "n"')
    log = EventLog(path)
    log.append("one", {"n": 2})
    assert [event["n"] for event in log.replay("one")] == [1, 2]
    log.close()
