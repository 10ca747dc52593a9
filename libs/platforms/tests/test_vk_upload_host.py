"""What the statuses of VK's upload hosts mean: the sandbox's always answers 200."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from platforms.calls import open_gate
from platforms.errors import ContentRefused, PlatformError, RateLimited, Unavailable
from platforms.http import Http
from platforms.reasons import Reason
from platforms.vk.client import VkClient

from .conftest import Clip, answer, answering, ignore_progress, misbehaving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http()
    yield client
    await client.aclose()


async def uploaded(http: Http, reply: bytes) -> PlatformError | str | None:
    """What an upload comes to when its host answers this."""
    client = VkClient(http, "https://api.invalid", open_gate)
    async with misbehaving(answering(reply)) as url:
        try:
            return await client.upload(url, Clip(), ignore_progress, timedelta(seconds=5))
        except PlatformError as error:
            return error


@pytest.mark.parametrize(("header", "seconds"), [("Retry-After: 7", 7), ("X-Nothing: 1", 60)])
async def test_an_upload_host_that_is_busy_is_waited_for(
    http: Http, header: str, seconds: int
) -> None:
    error = await uploaded(http, answer(b"", header, status="429 Too Many Requests"))
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("status", ["302 Found", "400 Bad Request", "403 Forbidden", "404 No"])
async def test_a_failing_upload_host_has_not_refused_the_address(http: Http, status: str) -> None:
    assert type(await uploaded(http, answer(b"<html>", status=status))) is Unavailable


async def test_a_file_that_is_too_large_for_an_upload_host_is_refused(http: Http) -> None:
    error = await uploaded(http, answer(b"", status="413 Payload Too Large"))
    assert isinstance(error, ContentRefused)
    assert error.reason is Reason.FILE_TOO_LARGE


async def test_what_an_upload_host_itself_calls_an_error_is_a_refused_address(http: Http) -> None:
    assert await uploaded(http, answer(b'{"error": "x", "error_code": 106}')) == "upload error 106"
