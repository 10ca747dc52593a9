"""Killed before or after the platform answered: the next worker takes one sample, told once."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from common.bus import topology
from common.bus.subscription import queues
from common.contracts.words import Platform
from platforms.settings import PlatformUrls
from stats_collector.bus.subscriptions import SUBSCRIPTIONS
from stats_collector.settings import NAME, Settings
from support.people import JWT_SECRET
from support.processes import process
from support.servers import NewVhost, as_service
from support.stats_lab import Lab
from support.token_lender import SECRET
from support.waiting import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
async def environment(
    new_vhost: NewVhost,
    migrated_url: str,
    redis_url: str,
    urls: PlatformUrls,
    lender_url: str,
    tmp_path: Path,
) -> dict[str, str]:
    """A real process's settings; orders to die lie in `tmp_path`."""
    bus_url = new_vhost()
    own = queues(NAME, SUBSCRIPTIONS, Settings.model_fields["bus_retry_delays"].default)
    await topology.declare(SecretStr(bus_url), NAME, own)
    return {
        "DATABASE_URL": migrated_url,
        "RABBITMQ_URL": as_service(bus_url, NAME),
        "REDIS_URL": redis_url,
        "AUTH_JWT_SECRET": JWT_SECRET,
        "SERVICE_TOKENS": f"{NAME}={SECRET}",
        "OAUTH_GATEWAY_URL": lender_url,
        "VK_API_URL": str(urls.vk_api_url),
        "FAILPOINTS": str(tmp_path),
    }


@pytest.mark.parametrize("point", ["stats-collector.claimed", "stats-collector.answered"])
async def test_a_sample_that_died_with_its_worker_is_taken_by_the_next(
    lab: Lab, clip: bytes, environment: dict[str, str], tmp_path: Path, point: str
) -> None:
    account = lab.account(Platform.VK)
    post = await lab.post(account, clip)
    (tmp_path / point).write_text("kill9")

    async def fired() -> bool:
        return (tmp_path / "fired").exists()

    with process("stats_collector", "worker", settings=environment):
        await lab.watch(account, post)
        await eventually(fired)
    assert not await lab.collect(Platform.VK), "the one that died holds its lease"
    assert await lab.rows("SELECT * FROM samples") == []
    await lab.rows("UPDATE watches SET leased_until = now() - interval '1 second'")
    assert await lab.collect(Platform.VK)
    assert len(await lab.rows("SELECT * FROM samples")) == 1
    assert [fact["aggregateversion"] for fact in await lab.told()] == [1]
