"""General faults as a client on a real socket meets them."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from sandbox.world import World

pytestmark = pytest.mark.anyio

PARAMS = {"v": "5.199", "name": "x"}


async def save(served: httpx.AsyncClient, kind: str, account: Any = None, **more: Any) -> Any:
    """Order a fault for one video.save and make it; answers whatever came of it."""
    account = account or (await served.post("/_accounts", json={"platform": "vk"})).json()
    body = {"platform": "vk", "step": "video.save", "kind": kind, **more}
    assert (await served.post("/_faults", json=body)).status_code == 201
    bearer = {"authorization": f"Bearer {account['access_token']}"}
    return await served.post("/vk/method/video.save", data=PARAMS, headers=bearer)


async def reserved(served: httpx.AsyncClient) -> Any:
    [entry] = (await served.get("/_journal?step=video.save")).json()
    return entry


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("error_500", 500),
        ("error_502_html", 502),
        ("error_503", 503),
        ("error_504", 504),
        ("error_500_after", 500),
        ("error_502_html_after", 502),
        ("html", 200),
        ("empty_json", 200),
        ("wrong_type", 200),
    ],
)
async def test_a_fault_answers_with_its_status(
    served: httpx.AsyncClient, kind: str, status: int
) -> None:
    assert (await save(served, kind)).status_code == status
    assert (await reserved(served))["fault"] == kind


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
async def test_a_dropped_connection_has_no_answer(served: httpx.AsyncClient, kind: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await save(served, kind)
    assert (await reserved(served))["answer"] == {"dropped": True}


async def test_a_connection_dropped_after_an_upload_leaves_the_ledger_entry(
    served: httpx.AsyncClient, world: World, mp4: Any
) -> None:
    world.settings.public_url = str(served.base_url).rstrip("/")
    account = (await served.post("/_accounts", json={"platform": "vk"})).json()
    bearer = {"authorization": f"Bearer {account['access_token']}"}
    answer = await served.post("/vk/method/video.save", data=PARAMS, headers=bearer)
    url = answer.json()["response"]["upload_url"]
    body = {"platform": "vk", "step": "upload", "kind": "drop_after"}
    await served.post("/_faults", json=body)
    with pytest.raises(httpx.RemoteProtocolError):
        await served.post(url, files={"video_file": ("a.mp4", mp4())})
    assert len((await served.get("/_ledger")).json()) == 1
    again = await served.post(url, files={"video_file": ("a.mp4", mp4())})
    assert "error_code" in again.json()
    assert len((await served.get("/_ledger")).json()) == 1


async def test_a_dropped_connection_is_closed_at_once_and_without_a_byte(
    served: httpx.AsyncClient, world: World
) -> None:
    world.faults.order("vk", "users.get", "drop_after", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.base_url.port)
    writer.write(b"GET /vk/method/users.get HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_a_reset_comes_in_the_middle_of_the_body(
    served: httpx.AsyncClient, world: World
) -> None:
    world.faults.order("vk", "upload", "reset_upload", 1)
    with pytest.raises(httpx.TransportError):
        await served.post("/vk/upload.do", content=bytes(20_000_000))
    [entry] = (await served.get("/_journal?step=upload")).json()
    assert not entry["body"]["complete"]
    assert 0 < entry["body"]["bytes"] < 20_000_000


async def test_half_an_answer_ends_in_the_middle(served: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        await save(served, "half_answer")


@pytest.mark.parametrize("kind", ["timeout", "timeout_after"])
async def test_a_silent_server_never_answers(served: httpx.AsyncClient, kind: str) -> None:
    served.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        await save(served, kind)


async def test_silence_ends_after_its_seconds(served: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await save(served, "timeout", seconds=0.1)


async def test_a_slow_answer_is_whole_in_the_end(served: httpx.AsyncClient) -> None:
    started = time.monotonic()
    answer = await save(served, "slow", seconds=0.5)
    assert answer.json()["response"]["video_id"]
    assert time.monotonic() - started >= 0.5


@pytest.mark.parametrize("kind", ["invalid_json", "duplicate_keys", "nan_json"])
async def test_a_spoilt_answer_is_not_what_a_strict_reader_takes(
    served: httpx.AsyncClient, kind: str
) -> None:
    text = (await save(served, kind)).text
    match kind:
        case "invalid_json":
            assert not text.endswith("}")
        case "duplicate_keys":
            assert text.count('"response"') == 2
        case "nan_json":
            assert text.endswith('"score": NaN}')


@pytest.mark.parametrize("kind", ["huge", "gzip_bomb"])
async def test_a_hostile_answer_is_big(served: httpx.AsyncClient, kind: str) -> None:
    answer = await save(served, kind)
    assert len(answer.content) > 10_000_000


@pytest.mark.parametrize(
    ("kind", "acts"), [("error_500", False), ("error_500_after", True), ("invalid_json", True)]
)
async def test_kinds_that_act_first_did_act(
    served: httpx.AsyncClient, kind: str, acts: bool
) -> None:
    account = (await served.post("/_accounts", json={"platform": "vk"})).json()
    await save(served, kind, account)
    bearer = {"authorization": f"Bearer {account['access_token']}"}
    answer = await served.get("/vk/method/video.get?v=5.199", headers=bearer)
    assert answer.json()["response"]["count"] == int(acts)


async def test_an_upload_broken_off_by_the_client_posts_nothing(
    served: httpx.AsyncClient, world: World, mp4: Any
) -> None:
    port = served.base_url.port
    world.settings.public_url = f"http://127.0.0.1:{port}"
    account = (await served.post("/_accounts", json={"platform": "vk"})).json()
    bearer = {"authorization": f"Bearer {account['access_token']}"}
    answer = await served.post("/vk/method/video.save", data=PARAMS, headers=bearer)
    url = answer.json()["response"]["upload_url"]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    path = url.removeprefix(world.settings.public_url)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
    writer.write(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n".encode())
    await writer.drain()
    writer.transport.abort()
    async with asyncio.timeout(5):
        entries: list[Any] = []
        while not entries or entries[0]["answer"] is None:
            entries = (await served.get("/_journal?step=upload")).json()
    assert entries[0]["answer"] == {"client_left": True}
    assert (await served.get("/_ledger")).json() == []
    again = await served.post(url, files={"video_file": ("a.mp4", mp4())})
    assert again.json()["video_id"]
