"""A fresh sandbox per test: in process for speed, or on a real socket where the wire matters."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import uvicorn

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.transport import DroppableProtocol
from sandbox.world import World, make_world

ORIGIN = "http://sandbox.test"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings() -> Settings:
    return Settings(public_url=ORIGIN, sandbox_consent="allow")


@pytest.fixture
def world(settings: Settings) -> World:
    return make_world(settings)


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the app in process; redirects are not followed."""
    transport = httpx.ASGITransport(app=create_app(world))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as opened:
        yield opened


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[httpx.AsyncClient]:
    listening = socket.create_server(("127.0.0.1", 0))  # accepts before the server runs
    config = uvicorn.Config(
        create_app(world),
        http=DroppableProtocol,
        ws="none",
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    port = listening.getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as opened:
            yield opened
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def served(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the app through a real socket of uvicorn."""
    async with serving(world) as opened:
        yield opened


@pytest.fixture
def mp4() -> Callable[..., bytes]:
    """Makes the smallest file that says what it is: `mp4(width, height, seconds, padding)`."""

    def make(
        width: int = 1080, height: int = 1920, seconds: int = 15, padding: bytes = b""
    ) -> bytes:
        mvhd = struct.pack(">IIIII", 0, 0, 0, 1000, seconds * 1000) + bytes(80)
        matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
        tkhd = bytes(40) + matrix + struct.pack(">II", width << 16, height << 16)
        moov = _box(b"mvhd", mvhd) + _box(b"trak", _box(b"tkhd", tkhd))
        ftyp = _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
        return ftyp + _box(b"mdat", padding) + _box(b"moov", moov)

    return make


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


@pytest.fixture
def new_vk(client: httpx.AsyncClient) -> Callable[..., Awaitable[Vk]]:
    """Makes a VK user with the given overrides."""

    async def make(**overrides: Any) -> Vk:
        http = overrides.pop("http", client)
        response = await http.post("/_accounts", json={"platform": "vk", **overrides})
        assert response.status_code == 201, response.text
        return Vk(http, response.json())

    return make


@pytest.fixture
async def vk(new_vk: Callable[..., Awaitable[Vk]]) -> Vk:
    return await new_vk()


@pytest.fixture
def order(client: httpx.AsyncClient) -> Callable[..., Awaitable[None]]:
    """Orders a fault: `order(step, kind, platform="vk", times=1)`."""

    async def place(step: str, kind: str, platform: str = "vk", **more: Any) -> None:
        body = {"platform": platform, "step": step, "kind": kind, **more}
        response = await client.post("/_faults", json=body)
        assert response.status_code == 201, response.text

    return place


V = "5.199"


@dataclass
class Vk:
    http: httpx.AsyncClient
    account: dict[str, Any]

    async def answer(self, method: str, *, token: str | None = None, **params: str) -> Any:
        """The whole body; HTTP 200 is checked on the way."""
        bearer = self.account["access_token"] if token is None else token
        response = await self.http.post(
            f"/vk/method/{method}",
            data={"v": V, **params},
            headers={"authorization": f"Bearer {bearer}"} if bearer else {},
        )
        assert response.status_code == 200
        return response.json()

    async def call(self, method: str, **params: str) -> Any:
        body = await self.answer(method, **params)
        assert "response" in body, body
        return body["response"]

    async def refused(self, method: str, **params: str) -> dict[str, Any]:
        body = await self.answer(method, **params)
        assert "error" in body, body
        error: dict[str, Any] = body["error"]
        return error

    async def upload(self, url: str, content: bytes, part: str = "video_file") -> httpx.Response:
        return await self.http.post(url, files={part: ("clip.mp4", content, "video/mp4")})

    async def post_video(self, content: bytes, **params: str) -> str:
        """Reserve and upload; answers the key `<owner>_<id>`."""
        saved = await self.call("video.save", **params)
        uploaded = await self.upload(saved["upload_url"], content)
        assert uploaded.json()["video_id"] == saved["video_id"], uploaded.text
        return f"{saved['owner_id']}_{saved['video_id']}"

    async def pass_time(self, seconds: float) -> None:
        await self.http.post("/_clock", json={"advance_seconds": seconds})


@dataclass
class VkId:
    """The app's side of VK ID: a PKCE pair, a state, and the calls in their order."""

    http: httpx.AsyncClient
    settings: Settings
    verifier: str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
    challenge: str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    state: str = "state-state-state-state-state-state"

    async def authorize(self, **changes: str | None) -> httpx.Response:
        """A change to None leaves the parameter out."""
        params = {
            "response_type": "code",
            "client_id": self.settings.vk_publish_client_id,
            "redirect_uri": self.settings.vk_publish_redirect_uri,
            "state": self.state,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "scope": "video wall groups",
            **changes,
        }
        sent = {name: value for name, value in params.items() if value is not None}
        return await self.http.get("/vkid/authorize", params=sent)

    @staticmethod
    def callback(answer: httpx.Response) -> dict[str, str]:
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def exchange(self, callback: dict[str, str], **changes: str | None) -> Any:
        return await self.token(
            grant_type="authorization_code",
            code=callback["code"],
            device_id=callback["device_id"],
            code_verifier=self.verifier,
            redirect_uri=self.settings.vk_publish_redirect_uri,
            **changes,
        )

    async def refresh(self, refresh_token: str, device_id: str, **changes: str | None) -> Any:
        return await self.token(
            grant_type="refresh_token", refresh_token=refresh_token, device_id=device_id, **changes
        )

    async def token(self, **params: str | None) -> Any:
        form = {"client_id": self.settings.vk_publish_client_id, "state": self.state, **params}
        sent = {name: value for name, value in form.items() if value is not None}
        answer = await self.http.post("/vkid/oauth2/auth", data=sent)
        assert answer.status_code == 200
        return answer.json()

    async def call(self, name: str, access_token: str) -> Any:
        form = {"client_id": self.settings.vk_publish_client_id, "access_token": access_token}
        answer = await self.http.post(f"/vkid/oauth2/{name}", data=form)
        assert answer.status_code == 200
        return answer.json()

    async def connect(self) -> tuple[dict[str, Any], str]:
        """A whole consent: the token answer and the device id."""
        callback = self.callback(await self.authorize())
        return await self.exchange(callback), callback["device_id"]


@pytest.fixture
def vkid(client: httpx.AsyncClient, settings: Settings) -> VkId:
    return VkId(client, settings)
