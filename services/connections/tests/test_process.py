"""The processes as they are started: they refuse bad settings, migrate, and need their servers."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

import connections
from common.db import migrate
from connections.db.tables import METADATA
from connections.settings import NAME
from localrun.ports import free_port
from support.gateway import SECRET
from support.people import JWT_SECRET
from support.servers import NewDatabase, NewVhost
from support.waiting import eventually

SOURCES = Path(connections.__file__).parents[4]


@pytest.fixture
def environment(database_url: str, redis_url: str) -> dict[str, str]:
    """Everything the service needs, but no broker."""
    paths = [*SOURCES.glob("libs/*/src"), *SOURCES.glob("services/*/src")]
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": ":".join(str(path) for path in paths),
        "DATABASE_URL": database_url,
        "RABBITMQ_URL": "amqp://127.0.0.1:1/",
        "REDIS_URL": redis_url,
        "AUTH_JWT_SECRET": JWT_SECRET,
        "SERVICE_TOKENS": f"{NAME}={SECRET}",
    }


def _run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "connections", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_worker_whose_broker_is_down_ends_instead_of_lingering(
    environment: dict[str, str],
) -> None:
    done = _run(environment, "worker")
    assert done.returncode != 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"AUTH_JWT_SECRET": "changeme"}, "AUTH_JWT_SECRET"),
        ({"AUTH_JWT_SECRET": ""}, "AUTH_JWT_SECRET: set exactly one of"),
        ({"AUTH_JWKS_URL": "https://example.org/keys"}, "AUTH_JWT_SECRET: set exactly one of"),
        ({"SERVICE_TOKENS": "publisher=" + SECRET}, "SERVICE_TOKENS"),
        ({"SERVICE_TOKENS": f"{NAME}=short"}, "SERVICE_TOKENS"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"CONNECT_RATE": "often"}, "CONNECT_RATE"),
    ],
)
def test_a_bad_setting_stops_it_with_advice_and_without_the_value(
    environment: dict[str, str], changed: dict[str, str], said: str
) -> None:
    done = _run(environment | changed, "http")
    assert done.returncode == 2
    assert said in done.stderr
    assert SECRET not in done.stderr
    assert "changeme" not in done.stderr


def test_migrations_go_up_and_down_on_an_empty_database(new_database: NewDatabase) -> None:
    url = SecretStr(new_database(NAME, None))
    folder = Path(connections.__file__).parent / "db/migrations"
    for _ in range(2):
        migrate.upgrade(folder, url)
        migrate.upgrade(folder, url)
        migrate.downgrade(folder, url, "base")


@pytest.mark.anyio
async def test_the_migrations_make_the_tables_that_the_code_reads(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[Any]:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), METADATA)
        return found

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.anyio
@pytest.mark.parametrize("process", ["http", "worker"])
async def test_a_process_starts_says_it_is_ready_and_ends_well(
    environment: dict[str, str], new_vhost: NewVhost, process: str
) -> None:
    port = free_port()
    own = environment | {
        "RABBITMQ_URL": new_vhost(),
        "HTTP_PORT": str(port),
        "METRICS_PORT": str(port if process == "worker" else free_port()),
    }
    if process == "worker":
        del own["AUTH_JWT_SECRET"]  # it serves nobody, and neither do the tasks
    assert _run(own, "topology").returncode == 0
    assert _run(own, "migrate").returncode == 0
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "connections", process, env=own
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def ready() -> bool:
                with suppress(httpx.TransportError):
                    return (await client.get("/readyz")).json()["ready"] is True
                return False

            await eventually(ready, seconds=60)
        started.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(started.wait(), timeout=30) == 0
    finally:
        if started.returncode is None:
            started.kill()
