"""One sandbox for the run, emptied for each test, and every adapter plugged into it."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from common.contracts.words import Platform
from conformance.adapter_kit import Clip, Walk, apps_of, fingerprint, serving, urls_of, walk_of
from conformance.sandbox_process import ROOT, Sandbox, running
from platforms.http import Timeouts
from platforms.registry import Adapters, adapters

PATIENCE = Timeouts(read=timedelta(seconds=2), write=timedelta(seconds=2))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def process() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(process: Sandbox) -> Sandbox:
    process.reset()
    return process


@pytest.fixture
async def board(sandbox: Sandbox) -> AsyncIterator[Adapters]:
    plugged = adapters(
        urls_of(sandbox), apps_of("vkid"), fingerprint=fingerprint, timeouts=PATIENCE
    )
    yield plugged
    await plugged.aclose()


@pytest.fixture
async def clip() -> AsyncIterator[Clip]:
    content = (ROOT / "deploy/local/clip.mp4").read_bytes()
    async with serving(content) as url:
        yield Clip(content, url=url)


@pytest.fixture(params=list(Platform))
def platform(request: pytest.FixtureRequest) -> Platform:
    chosen: Platform = request.param
    return chosen


@pytest.fixture
def walk(sandbox: Sandbox, board: Adapters, clip: Clip, platform: Platform) -> Walk:
    """A publication for a fresh account of the platform."""
    return walk_of(sandbox, board, platform, clip)
