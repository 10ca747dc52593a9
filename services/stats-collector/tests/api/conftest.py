"""The API over HTTP, and what it reads."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_collector.settings import NAME, Settings
from stats_collector.wiring import http_app
from support.people import JWT_SECRET, bearer
from support.serving import serving
from support.token_lender import SECRET

from .book import ANNA, Book


@pytest.fixture
async def url(migrated_url: str, redis_url: str) -> AsyncIterator[str]:
    """The running service."""
    settings = Settings(
        database_url=migrated_url,
        rabbitmq_url="amqp://127.0.0.1:1/",
        redis_url=redis_url,
        auth_jwt_secret=JWT_SECRET,
        service_tokens=f"{NAME}={SECRET}",
    )
    async with serving(http_app(settings)) as address:
        yield address


@pytest.fixture
async def api(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The service as Anna sees it."""
    async with httpx.AsyncClient(base_url=url, headers=bearer(ANNA)) as client:
        yield client


@pytest.fixture
def book(engine: AsyncEngine) -> Book:
    return Book(engine)
