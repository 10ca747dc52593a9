"""VK's upload host: signed once, one part of the right name, never an HTTP error."""

import asyncio
import resource
from typing import Any

import httpx
import pytest

from sandbox.received import Received
from sandbox.settings import Settings

pytestmark = pytest.mark.anyio


async def refused(vk: Any, url: str, *args: Any) -> Any:
    answer = await vk.upload(url, *args)
    assert answer.status_code == 200
    return answer.json()["error_descr"]


async def test_the_address_is_on_the_public_origin_whatever_the_host_header(
    vk: Any, settings: Settings
) -> None:
    vk.http.headers["host"] = "evil.example"
    saved = await vk.call("video.save", name="x")
    assert saved["upload_url"].startswith(f"{settings.origin}/vk/upload.do?sig=")


async def test_an_upload_is_refused_in_the_upload_hosts_own_words(vk: Any, mp4: Any) -> None:
    url = (await vk.call("video.save", name="x"))["upload_url"]
    assert "video_file" in await refused(vk, url, mp4(), "file")
    assert "format" in await refused(vk, url, b"GIF89a...........")
    assert "empty" in await refused(vk, url, b"")
    assert "signature" in await refused(vk, url.replace("id=4", "id=5"), mp4())
    assert "signature" in await refused(vk, url.split("?")[0], mp4())
    plain = await vk.http.post(url, content=mp4(), headers={"content-type": "video/mp4"})
    assert "multipart" in plain.json()["error_descr"]


async def test_a_signature_works_once(client: httpx.AsyncClient, vk: Any, mp4: Any) -> None:
    url = (await vk.call("video.save", name="x"))["upload_url"]
    answers = await asyncio.gather(*(vk.upload(url, mp4()) for _ in range(5)))
    assert sorted("video_id" in answer.json() for answer in answers) == [False] * 4 + [True]
    assert len((await client.get("/_ledger")).json()) == 1


async def test_an_address_expires(vk: Any, mp4: Any) -> None:
    url = (await vk.call("video.save", name="x"))["upload_url"]
    await vk.pass_time(3601)
    assert "expired" in await refused(vk, url, mp4())


async def test_a_deleted_reservation_takes_no_bytes(vk: Any, mp4: Any) -> None:
    saved = await vk.call("video.save", name="x")
    await vk.call("video.delete", video_id=str(saved["video_id"]))
    assert "not found" in await refused(vk, saved["upload_url"], mp4())


async def test_a_token_at_the_upload_host_is_noted(
    client: httpx.AsyncClient, vk: Any, mp4: Any
) -> None:
    url = (await vk.call("video.save", name="x"))["upload_url"]
    await client.post(
        url, files={"video_file": ("a.mp4", mp4())}, headers={"authorization": "Bearer x"}
    )
    [entry] = (await client.get("/_journal?step=upload")).json()
    assert any("needs none" in text for text in entry["warnings"])


async def test_wallpost_also_posts_to_the_wall(vk: Any, mp4: Any) -> None:
    key = await vk.post_video(mp4(), name="x", wallpost="1")
    [post] = (await vk.call("wall.get"))["items"]
    assert post["attachments"][0]["video"]["id"] == int(key.split("_")[1])


async def test_the_host_may_answer_markup(
    client: httpx.AsyncClient, vk: Any, order: Any, mp4: Any
) -> None:
    await order("upload", "retval")
    url = (await vk.call("video.save", name="x"))["upload_url"]
    answer = await vk.upload(url, mp4())
    assert (answer.text, answer.headers["content-type"].split(";")[0]) == (
        "<retval>1</retval>",
        "text/html",
    )
    assert len((await client.get("/_ledger")).json()) == 1


async def test_a_file_without_a_picture_is_accepted_and_then_lost(
    client: httpx.AsyncClient, vk: Any
) -> None:
    key = await vk.post_video(b"\0\0\0\x10ftypisom\0\0\0\0", name="x")
    await vk.pass_time(10)
    assert (await vk.call("video.get", videos=key))["count"] == 0
    assert len((await client.get("/_ledger")).json()) == 1


def test_a_big_upload_passes_without_being_held() -> None:
    received = Received("multipart/form-data; boundary=b", "")
    head = b'--b\r\nContent-Disposition: form-data; name="video_file"; filename="a"\r\n\r\n'
    received.feed(head + b"\0\0\0\x10ftypisom\0\0\0\0")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunk = bytes(1024 * 1024)
    for _ in range(256):
        received.feed(chunk)
    received.feed(b"\r\n--b--\r\n")
    received.finish()
    assert received.problem is None
    assert received.files[0].blob.bytes == 2**28 + 16
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
