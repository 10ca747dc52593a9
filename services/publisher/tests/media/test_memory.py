"""Memory does not grow with the file: measured from outside, at the peak of a real process."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from common.clock import SystemClock
from localrun.ports import answers, free_port
from publisher.media.folder import Folder
from publisher.media.links import Links
from support.people import bearer
from support.waiting import eventually

from .s3 import s3
from .server import PUBLICATION, SECRET, ref_of

pytestmark = pytest.mark.anyio
MEBIBYTE = 1024 * 1024
SIZE = 256 * MEBIBYTE
MOST = 32 * MEBIBYTE


async def long_clip(clip: bytes, size: int) -> AsyncIterator[bytes]:
    """A real clip with a box of padding behind it."""
    left = size - len(clip)
    yield clip + left.to_bytes(4) + b"free"
    left -= 8
    while left:
        step = min(left, 256 * 1024)
        yield bytes(step)
        left -= step


class Server:
    """A process with its peak of memory."""

    def __init__(self, store: str, environment: dict[str, str]) -> None:
        self.port = free_port()
        root = Path(__file__).parents[4]
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, str(Path(__file__).with_name("server.py")), store, str(self.port)],
            env={**os.environ, **environment, "PYTHONPATH": str(root / "tests")},
        )

    async def up(self) -> bool:
        return answers(self.port)

    def peak(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    started: list[Server] = []
    yield started
    for server in started:
        server.process.terminate()
        server.process.wait(10)


async def started(servers: list[Server], store: str, **environment: str) -> Server:
    server = Server(store, environment)
    servers.append(server)
    await eventually(server.up)
    return server


async def upload(client: httpx.AsyncClient, clip: bytes, size: int) -> dict[str, str]:
    answer = await client.put(
        "/v1/media/a.mp4", content=long_clip(clip, size), headers=bearer("u"), timeout=60
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["bytes"] == size
    found: dict[str, str] = answer.json()
    return found


async def download(client: httpx.AsyncClient, link: str) -> int:
    got = 0
    async with client.stream("GET", link, timeout=60) as answer:
        assert answer.status_code == 200
        async for piece in answer.aiter_raw():
            got += len(piece)
    return got


async def test_a_large_file_comes_in_and_goes_out_of_a_folder_with_flat_memory(
    servers: list[Server], tmp_path: Path, clip: bytes
) -> None:
    server = await started(servers, str(tmp_path / "media"))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        await upload(client, clip, 8 * MEBIBYTE)
        before = server.peak()
        key = (await upload(client, clip, SIZE))["key"]
        async with Folder(tmp_path / "media").open(key) as opened:
            ref = ref_of(key, opened.head.size, opened.head.etag or "")
        links = Links(f"http://127.0.0.1:{server.port}", SECRET, SystemClock())
        assert await download(client, links.link(PUBLICATION, ref)) == SIZE
        assert server.peak() - before < MOST


async def test_a_large_file_goes_into_a_bucket_with_flat_memory(
    servers: list[Server], clip: bytes
) -> None:
    async with s3() as bucket:
        server = await started(
            servers,
            "s3://clips/media",
            AWS_ENDPOINT_URL=bucket.url,
            AWS_ALLOW_HTTP="true",
            AWS_REGION="ru-1",
            AWS_ACCESS_KEY_ID="id",
            AWS_SECRET_ACCESS_KEY="key",
        )
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            await upload(client, clip, MEBIBYTE)
            before = server.peak()
            await upload(client, clip, SIZE // 4)
            assert server.peak() - before < MOST
