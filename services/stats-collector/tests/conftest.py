"""The real service over real servers and the sandbox; oauth-gateway is a small server here."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

import stats_collector
from common.db.engine import connect
from common.http.internal import InternalClient
from common.http.lending import VaultTokens
from common.neighbours import GATEWAY
from common.pace import Pace, redis_client
from conformance.sandbox_process import Sandbox, running
from platforms.pacing import Pacer, PaceSettings
from platforms.registry import adapters
from platforms.settings import PlatformUrls
from stats_collector.settings import NAME
from stats_collector.wiring import PACE_PATIENCE
from support.servers import NewDatabase, truncate
from support.serving import serving
from support.stats_lab import Lab
from support.token_lender import SECRET, Lender

MIGRATIONS = Path(stats_collector.__file__).parent / "db/migrations"
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def clip() -> bytes:
    return (ROOT / "deploy/local/clip.mp4").read_bytes()


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The four platforms, empty."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def urls(sandbox: Sandbox) -> PlatformUrls:
    return PlatformUrls(
        vk_api_url=f"{sandbox.url}/vk",
        rutube_url=f"{sandbox.url}/rutube",
        dzen_api_url=f"{sandbox.url}/dzen",
        telegram_api_url=f"{sandbox.url}/telegram",
        poll_first="100ms",
        poll_max="200ms",
    )


@pytest.fixture
def lender() -> Lender:
    return Lender()


@pytest.fixture
async def lender_url(lender: Lender) -> AsyncIterator[str]:
    async with serving(lender.app()) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_url(new_database: NewDatabase) -> str:
    return new_database(NAME, MIGRATIONS)


@pytest.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    """An empty database: a worker takes whatever is due, also what another test left behind."""
    engine = connect(SecretStr(migrated_url), "test")
    await truncate(migrated_url, "samples", "watches", "connections", "outbox", "inbox")
    yield engine
    await engine.dispose()


@pytest.fixture
async def lab(
    engine: AsyncEngine, sandbox: Sandbox, urls: PlatformUrls, lender: Lender, lender_url: str
) -> AsyncIterator[Lab]:
    client = InternalClient(lender_url, caller=NAME, callee=GATEWAY, secret=SECRET)
    plugged = adapters(urls)
    yield Lab(engine, sandbox, plugged, lender, VaultTokens(client))
    await client.aclose()
    await plugged.aclose()


@pytest.fixture
async def paced(lab: Lab, urls: PlatformUrls, redis_url: str) -> AsyncIterator[Lab]:
    """Its calls take turns as those of real workers do; only all of VK together are let through
    faster, so that tests end; an account as fast as PACE_VK lets a single one be."""
    redis = redis_client(SecretStr(redis_url))
    pace = PaceSettings(pace_vk=200, account_pace_vk=2)
    gate = Pacer(Pace(redis), pace, in_line=PACE_PATIENCE, aside=PACE_PATIENCE).gate
    plugged = adapters(urls, gate=gate)
    yield replace(lab, adapters=plugged)
    await plugged.aclose()
    await redis.aclose()
