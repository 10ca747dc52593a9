"""The doctor's lines about secrets, redirect URIs and applications, each turned by breaking it."""

import json
import secrets

import pytest
from sqlalchemy import func, select

from common.doctor.finding import Finding, ask_all
from common.ids import new_id
from oauth_gateway.db.tables import kept_keys
from oauth_gateway.doctor import CHECKS
from oauth_gateway.settings import GatewaySettings
from oauth_gateway.wiring import build, create_gateway
from support.serving import serving

from .rotating import Rotation, id_of, new_secret

pytestmark = pytest.mark.anyio


async def asked(settings: dict[str, str], **changed: str) -> dict[str, Finding]:
    nobody = {
        "VK_PUBLISH_REDIRECT_URI": "http://127.0.0.1:1/api/oauth/vk/callback",
        "YANDEX_REDIRECT_URI": "http://127.0.0.1:1/api/oauth/dzen/callback",
    }
    values = {name.lower(): one for name, one in (settings | nobody | changed).items()}
    read = GatewaySettings.model_validate(values)
    return {one.name: one for one in await ask_all(CHECKS, read, ())}


async def test_all_is_well_as_far_as_it_can_be_asked(settings: dict[str, str]) -> None:
    found = await asked(settings)
    assert all(one.well for one in found.values())
    assert {name for name, one in found.items() if one.ok is None} == {
        "VK's right `video`",
        "VK_PUBLISH_REDIRECT_URI leads to us",
        "YANDEX_REDIRECT_URI leads to us",
    }


async def test_a_secret_that_opens_what_is_stored_is_told_apart_from_one_that_does_not(
    rotation: Rotation,
) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        await gateway.connect(f"user-{new_id()}")
    good = (await asked(rotation.before))["stored secrets"]
    assert (good.ok, good.detail) == (True, f"can be opened: key {id_of(rotation.old)} seals 1")
    wrong = (await asked(rotation.after))["stored secrets"]
    assert wrong.ok is False
    assert id_of(rotation.old) in wrong.mend
    assert "PLATFORM_TOKEN_SECRET_PREVIOUS" in wrong.mend
    for secret in (rotation.old, rotation.new):
        assert secret not in str((good, wrong))


async def test_the_look_at_the_vault_leaves_no_trace(rotation: Rotation) -> None:
    assert (await asked(rotation.before))["stored secrets"].ok is True
    async with (
        rotation.running(rotation.before) as [gateway],
        gateway.parts.engine.connect() as connection,
    ):
        rows = await connection.execute(select(func.count()).select_from(kept_keys))
        assert rows.scalar_one() == 0


async def test_the_command_tells_a_wrong_secret_beside_broken_settings(rotation: Rotation) -> None:
    await asked(rotation.before)
    broken = rotation.before | {"FRONTEND_URL": "nowhere", "VK_PUBLISH_CLIENT_ID": ""}
    done = await rotation.run(broken, "doctor", "--json")
    assert done.returncode == 1
    found = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    assert {name for name in found if name.startswith("settings")} == {
        "settings: FRONTEND_URL",
        "settings: VK_PUBLISH_CLIENT_ID",
    }
    assert found["stored secrets"]["ok"] is True
    assert found["VK application"]["ok"] is None
    for name, value in rotation.before.items():
        if "SECRET" in name and value:
            assert value not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changed", "line", "named"),
    [
        ({"VK_PUBLISH_CLIENT_ID": "51999999"}, "VK application", "VK_PUBLISH_CLIENT_ID"),
        (
            {"VK_OAUTH_FLOW": "legacy", "VK_PUBLISH_CLIENT_SECRET": "canary-secret"},
            "VK application",
            "VK_PUBLISH_CLIENT_SECRET",
        ),
        (
            {"YANDEX_CLIENT_SECRET": "canary-secret"},
            "Yandex application",
            "YANDEX_CLIENT_SECRET",
        ),
    ],
)
async def test_an_application_that_the_platform_does_not_know_is_told(
    settings: dict[str, str], changed: dict[str, str], line: str, named: str
) -> None:
    told = (await asked(settings, **changed))[line]
    assert told.ok is False
    assert "invalid_client" in told.detail
    assert named in told.mend
    assert "canary-secret" not in str(told)


async def test_a_legacy_application_that_vk_knows_is_well(settings: dict[str, str]) -> None:
    assert (await asked(settings, VK_OAUTH_FLOW="legacy"))["VK application"].ok is True


async def test_a_platform_that_is_away_leaves_it_open_and_has_to_be_mended(
    settings: dict[str, str],
) -> None:
    told = (await asked(settings, VK_ID_URL="http://127.0.0.1:1"))["VK application"]
    assert (told.ok, told.well) == (None, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VK_PUBLISH_REDIRECT_URI", "https://api.example.org/oauth/vk/callback"),
        ("VK_PUBLISH_REDIRECT_URI", "https://api.example.org/api/oauth/dzen/callback"),
        ("YANDEX_REDIRECT_URI", "http://api.example.org/api/oauth/dzen/callback"),
        ("YANDEX_REDIRECT_URI", "https://localhost/api/oauth/dzen/callback"),
        ("FRONTEND_URL", "http://app.example.org"),
    ],
)
async def test_production_needs_addresses_as_they_are_registered(
    settings: dict[str, str], name: str, value: str
) -> None:
    host = "https://127.1.example.org:1"
    good = {
        "ENVIRONMENT": "production",
        "RABBITMQ_URL": "amqp://gateway:x@127.0.0.1:1/",
        "VK_PUBLISH_REDIRECT_URI": f"{host}/api/oauth/vk/callback",
        "YANDEX_REDIRECT_URI": f"{host}/api/oauth/dzen/callback",
    }
    told = (await asked(settings, **good | {name: value}))[name]
    assert told.ok is False
    assert name in told.mend


async def test_redirect_uris_of_two_hosts_are_told(settings: dict[str, str]) -> None:
    other = "http://127.0.0.2:1/api/oauth/dzen/callback"
    found = await asked(settings, YANDEX_REDIRECT_URI=other)
    assert found["redirect hosts"].ok is False


async def test_a_redirect_uri_that_leads_to_us_is_told_apart_from_one_that_does_not(
    settings: dict[str, str],
) -> None:
    read = GatewaySettings.model_validate({name.lower(): one for name, one in settings.items()})
    line = "VK_PUBLISH_REDIRECT_URI leads to us"
    async with serving(create_gateway(read, build(read))) as url:
        uri = f"{url}/api/oauth/vk/callback"
        assert (await asked(settings, VK_PUBLISH_REDIRECT_URI=uri))[line].ok is True
        elsewhere = f"{url}/v1{secrets.token_hex(4)}/api/oauth/vk/callback"
        assert (await asked(settings, VK_PUBLISH_REDIRECT_URI=elsewhere))[line].ok is False


async def test_dzen_that_is_off_needs_no_application(settings: dict[str, str]) -> None:
    off = {name: one for name, one in settings.items() if not name.startswith(("YANDEX_C", "DZEN"))}
    told = (await asked(off))["Yandex application"]
    assert (told.ok, "Дзен is off" in told.detail) == (True, True)


async def test_a_rotation_under_way_is_mentioned(rotation: Rotation) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        await gateway.connect(f"user-{new_id()}")
    found = await asked(rotation.under(new_secret(), rotation.old))
    assert found["stored secrets"].well
    assert "reseal" in found["stored secrets"].detail
