"""The doctor's lines about media, each turned by breaking what it is about."""

import os
import secrets
from pathlib import Path

import pytest
from fastapi import FastAPI

from common.doctor.finding import Finding, ask_all
from common.ids import new_id
from publisher import doctor
from publisher.settings import PublisherSettings
from support.serving import serving

from .media.s3 import s3

pytestmark = pytest.mark.anyio
MEDIA = tuple(one for one in doctor.CHECKS if one.name.startswith("media"))


async def asked(**values: str) -> dict[str, Finding]:
    secret = secrets.token_hex(32)
    usual = {
        "database_url": "postgresql://nobody@127.0.0.1:1/none",
        "rabbitmq_url": "amqp://nobody:none@127.0.0.1:1/",
        "redis_url": "redis://127.0.0.1:1/0",
        "service_tokens": f"publisher={secret}",
        "auth_jwt_secret": secret,
        "media_link_secret": secret,
        "public_url": "http://127.0.0.1:1",
        "media_store_url": "file:///nowhere-at-all",
    }
    given = {name: one for name, one in (usual | values).items() if one}
    settings = PublisherSettings.model_validate(given)
    return {one.name: one for one in await ask_all(MEDIA, settings, ())}


async def test_a_folder_takes_a_probe_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    kept = tmp_path / "u" / str(new_id()) / "clip.mp4"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"somebody's")
    found = await asked(media_store_url=tmp_path.as_uri())
    assert (found["media store"].ok, found["media space"].ok) == (True, True)
    left = {str(Path(at, name)) for at, _, names in os.walk(tmp_path) for name in names}
    assert left == {str(kept)}
    assert os.listdir(tmp_path / "u") == [kept.parent.name]  # noqa: PTH208 - a path's own would block too


async def test_a_folder_that_is_missing_is_told_and_not_made(tmp_path: Path) -> None:
    told = (await asked(media_store_url=(tmp_path / "media").as_uri()))["media store"]
    assert (told.ok, "make the folder" in told.mend) == (False, True)
    assert not (tmp_path / "media").exists()


async def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".incoming").write_text("a file where drafts should lie")
    told = (await asked(media_store_url=tmp_path.as_uri()))["media store"]
    assert (told.ok, told.detail) == (False, "a probe can't be kept: no such file")


async def test_a_bucket_takes_a_probe_and_keeps_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with s3() as bucket:
        for name, value in {
            "AWS_ENDPOINT_URL": bucket.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "ru-1",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "canary-key",
        }.items():
            monkeypatch.setenv(name, value)
        assert (await asked(media_store_url="s3://clips/media"))["media store"].ok is True
        assert not bucket.objects
        bucket.down = True
        told = (await asked(media_store_url="s3://clips/media"))["media store"]
    assert (told.ok, "AWS_*" in told.mend) == (False, True)
    assert "canary-key" not in str(told)


async def test_a_public_address_out_of_reach_is_no_fault() -> None:
    told = (await asked())["media links"]
    assert (told.ok, told.well) == (None, True)


async def test_a_public_address_of_something_else_is_told() -> None:
    async with serving(FastAPI()) as url:
        told = (await asked(public_url=url))["media links"]
    assert (told.ok, "PUBLIC_URL" in told.mend) == (False, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://clips.example.org",
        "https://localhost",
        "https://127.0.0.1:8003",
        "clips.example.org",
        "https://anna:canary@clips.example.org",
    ],
)
async def test_production_needs_an_address_that_platforms_can_use(url: str) -> None:
    found = await asked(
        public_url=url, environment="production", rabbitmq_url="amqp://publisher:x@127.0.0.1:1/"
    )
    assert found["PUBLIC_URL"].ok is False
    assert "canary" not in str(found)


async def test_where_links_are_not_made_the_doctor_says_so_and_asks_for_a_better_place() -> None:
    told = (await asked(media_link_secret=""))["media links"]
    assert (told.ok, told.well) == (None, False)
    assert "MEDIA_LINK_SECRET" in told.mend
