"""Which fault of the database is whose, and in which language it is said."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.db.engine import connect
from common.http import problems
from support.servers import NewDatabase

pytestmark = pytest.mark.anyio


@pytest.fixture
async def engine(new_database: NewDatabase) -> AsyncIterator[AsyncEngine]:
    found = connect(SecretStr(new_database("problems", None)), "test")
    yield found
    await found.dispose()


@pytest.fixture
async def client(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)

    @app.get("/sql")
    async def sql(statement: str) -> None:
        async with engine.begin() as connection:
            await connection.execute(text(statement))

    @app.get("/nowhere")
    async def nowhere() -> None:
        async with connect(SecretStr("postgresql://x@127.0.0.1:1/x"), "test").begin():
            pass

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as found:
        yield found


async def test_a_database_that_is_away_is_503_and_worth_another_try(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert "Retry-After" in answer.headers


async def test_a_statement_that_takes_too_long_is_503(client: httpx.AsyncClient) -> None:
    answer = await client.get("/sql", params={"statement": "SELECT pg_sleep(30)"}, timeout=20)
    assert answer.status_code == 503


async def test_a_wrong_statement_is_our_own_fault(client: httpx.AsyncClient) -> None:
    answer = await client.get("/sql", params={"statement": "SELECT missing"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("ru", ""),
        ("en", "en"),
        ("en", "en-GB, ru; q=0.5"),
        ("ru", "en; q=0.4, ru; q=0.9"),
        ("ru", "de"),
        ("en", "de, en; q=0.1"),
    ],
)
async def test_the_language_is_the_one_the_caller_prefers(
    client: httpx.AsyncClient, wanted: str, given: str
) -> None:
    answer = await client.get("/none", headers={"Accept-Language": given})
    assert answer.headers["Content-Language"] == wanted
