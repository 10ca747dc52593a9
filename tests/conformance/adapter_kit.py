"""What the suite for all adapters needs: clips, a file server, and a walk through the steps."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from pydantic import SecretStr

from common.contracts.words import Platform
from conformance.sandbox_process import Sandbox
from platforms.errors import OutcomeUnknown, RateLimited, StartOver, Unavailable
from platforms.port import Adapter, Guard, Job, Next, Published, Step, Wait
from platforms.settings import OAuthApps, PlatformUrls

PIECE = 1024 * 1024
ATTEMPTS = 5
PATIENCE = 20.0
T = TypeVar("T")
VK_CALLBACK = "http://127.0.0.1:8002/api/oauth/vk/callback"
DZEN_CALLBACK = "http://127.0.0.1:8002/api/oauth/dzen/callback"


@dataclass
class Clip:
    """A clip in pieces; `padding` bytes of nothing follow the real ones. Where a platform fetches
    it by itself, `url` is where, with another signature each time."""

    content: bytes
    padding: int = 0
    url: str = "http://127.0.0.1:9/nobody-listens"
    name: str = "клип.mp4"
    duration: float = 3.0
    width: int = 270
    height: int = 480
    signatures: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def size(self) -> int:
        return len(self.content) + self.padding

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256(self.content)
        for start in range(0, self.padding, PIECE):
            digest.update(bytes(min(PIECE, self.padding - start)))
        return digest.hexdigest()

    async def stream(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), PIECE):
            yield self.content[start : start + PIECE]
        for start in range(0, self.padding, PIECE):
            yield bytes(min(PIECE, self.padding - start))

    def link(self) -> str:
        return f"{self.url}?sig={next(self.signatures)}"


@asynccontextmanager
async def serving(content: bytes) -> AsyncIterator[str]:
    """An address with the clip, for platforms that fetch."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/clips/{uuid4()}"


@asynccontextmanager
async def dripping() -> AsyncIterator[str]:
    """An address that begins to answer with a clip and never ends."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 9\r\n\r\n0")
        await over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/clips/{uuid4()}"
        over.set()


def urls_of(sandbox: Sandbox) -> PlatformUrls:
    """Every platform played by this sandbox, and little patience while it processes."""
    base = sandbox.url
    return PlatformUrls.model_validate(
        {
            "vk_api_url": f"{base}/vk",
            "vk_id_url": f"{base}/vkid",
            "vk_oauth_url": f"{base}/vk-oauth",
            "rutube_url": f"{base}/rutube",
            "yandex_oauth_url": f"{base}/yandex-oauth",
            "yandex_login_url": f"{base}/yandex-login",
            "dzen_api_url": f"{base}/dzen",
            "telegram_api_url": f"{base}/telegram",
            "poll_first": "400ms",
            "poll_max": "1s",
        }
    )


def apps_of(flow: str) -> OAuthApps:
    """The applications that the sandbox knows."""
    return OAuthApps.model_validate(
        {
            "vk_publish_client_id": "51000001",
            "vk_publish_client_secret": "sandbox-vk-secret",
            "vk_publish_redirect_uri": VK_CALLBACK,
            "vk_oauth_flow": flow,
            "yandex_client_id": "5a5a0000000000000000000000000001",
            "yandex_client_secret": "sandbox-yandex-secret",
            "yandex_redirect_uri": DZEN_CALLBACK,
        }
    )


def fingerprint(token: SecretStr) -> str:
    """What stands in for an account's id where the platform tells none."""
    return hashlib.sha256(b"fingerprint" + token.get_secret_value().encode()).hexdigest()


@dataclass
class Walk:
    """One publication on its way: the engine's rules without its rows."""

    sandbox: Sandbox
    adapter: Adapter
    account_id: str
    token: SecretStr
    clip: Clip
    title: str = "Первый клип"
    description: str = "О чём он"
    options: dict[str, Any] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid4)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    patience: float = 5
    """Seconds that a platform may ask us to wait."""
    sent: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    cursor: Any = None

    def __post_init__(self) -> None:
        self.cursor = self.adapter.publishing.cursor()

    def job(self) -> Job[Any]:
        return Job(
            publication_id=self.id,
            account_id=self.account_id,
            title=self.title,
            description=self.description,
            options=self.options,
            created_at=self.created_at,
            begun_at=self.begun_at,
            media=self.clip,
            token=self.token,
            cursor=self.cursor,
            progress=self._progress,
            now=self.now,
        )

    async def publish(self) -> Published:
        """Every step in order. What may have happened is looked up before it is repeated."""
        async with asyncio.timeout(PATIENCE):
            for step in self.adapter.publishing.steps():
                if published := await self.take(step):
                    return published
        raise AssertionError("the last step did not publish")

    async def take(self, step: Step[Any]) -> Published | None:
        """One step until it is done."""
        doubt, failures = False, 0
        while True:
            try:
                outcome = await self._act(step, doubt=doubt)
            except (Unavailable, OutcomeUnknown) as error:
                failures += 1
                self.told.append(f"{step.name}: {type(error).__name__}")
                unknown = isinstance(error, OutcomeUnknown)
                at_once = isinstance(error, RateLimited | StartOver)
                if at_once or failures == ATTEMPTS or (unknown and step.guard is Guard.ONCE):
                    raise
                doubt = doubt or unknown
                continue
            self.cursor = outcome.cursor if not isinstance(outcome, Published) else self.cursor
            match outcome:
                case Next():
                    return None
                case Published():
                    return outcome
                case Wait():
                    self.told.append(f"{step.name}: {outcome.why}")
                    await asyncio.sleep(outcome.after.total_seconds())
                    doubt = False

    async def _act(self, step: Step[Any], *, doubt: bool) -> Any:
        if doubt and step.look is not None:
            while True:
                try:
                    found = await self.patiently(step.look)
                    break
                except RateLimited as told:
                    self.let_pass(told.retry_after)
            if found is not None:
                return found
        self.begun_at = datetime.now(UTC)
        return await self.patiently(step.act)

    def let_pass(self, time: timedelta) -> None:
        """What is in doubt was begun that much earlier, for the platform too."""
        self.told.append(f"looked too early by {time}")
        self.begun_at -= time
        order = {"advance_seconds": time.total_seconds()}
        self.sandbox.control.post("/_clock", json=order).raise_for_status()

    async def patiently(self, call: Callable[[Job[Any]], Awaitable[T]]) -> T:
        """Wait as often as the platform asks, up to `patience` each time."""
        while True:
            try:
                return await call(self.job())
            except RateLimited as told:
                seconds = told.retry_after.total_seconds()
                if seconds > self.patience:
                    raise
                await asyncio.sleep(seconds)

    async def _progress(self, sent: int) -> None:
        self.sent.append(sent)


def walk_of(
    sandbox: Sandbox, board: Mapping[Platform, Adapter], platform: Platform, clip: Clip
) -> Walk:
    """A publication for a fresh account of the platform."""
    account = sandbox.account(platform)
    account_id = str(account["chat_id" if platform is Platform.TELEGRAM else "account"])
    token = SecretStr(account.get("access_token") or account["token"])
    return Walk(sandbox, board[platform], account_id, token, clip)
