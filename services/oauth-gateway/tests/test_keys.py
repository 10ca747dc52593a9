"""What an operator sees of the keys, and what a secret that does not fit ends in."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, text

from common.contracts.words import Platform
from common.ids import new_id
from oauth_gateway import starting
from oauth_gateway.app.erase_credential import erase_credential
from oauth_gateway.app.open_vault import open_vault
from oauth_gateway.db.erasing import ERASE_TRIES
from oauth_gateway.db.tables import credentials, kept_keys
from oauth_gateway.settings import GatewaySettings
from support.real_gateway import RealGateway

from .rotating import Rotation, id_of, new_secret
from .rows import change, stored

pytestmark = pytest.mark.anyio


@pytest.fixture
async def linked(rotation: Rotation) -> str:
    """A connection that the former secret seals."""
    async with rotation.running(rotation.before) as [gateway]:
        found: str = (await gateway.connect(f"user-{new_id()}"))["connection_id"]
        return found


async def test_keys_are_shown_with_what_they_seal(rotation: Rotation, linked: str) -> None:
    assert linked
    done = await rotation.run(rotation.between, "keys")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            f"{id_of(rotation.new)}          0 sealed  current",
            f"{id_of(rotation.old)}          1 sealed  previous",
        ],
    )


async def test_a_key_that_is_used_and_missing_is_shown_and_is_a_failure(
    rotation: Rotation, linked: str
) -> None:
    assert linked
    done = await rotation.run(rotation.after, "keys", "--json")
    assert done.returncode == 1
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"key_id": id_of(rotation.new), "sealed": 0, "state": "current"},
        {"key_id": id_of(rotation.old), "sealed": 1, "state": "unknown"},
    ]
    assert (await rotation.run(rotation.after, "reseal")).returncode == 1  # it can't be moved


async def test_v4_several_former_secrets_may_stand_in_a_file(
    rotation: Rotation, linked: str, tmp_path: Path
) -> None:
    assert linked
    file = tmp_path / "former"
    file.write_text(f"{new_secret()}, {rotation.old}\n")
    settings = {**rotation.after, "PLATFORM_TOKEN_SECRET_PREVIOUS_FILE": str(file)}
    done = await rotation.run(settings, "reseal")
    assert (done.returncode, done.stdout) == (0, "resealed 1, overtaken 0, unreadable 0, left 0\n")


async def test_v5_a_wrong_secret_is_refused_where_nothing_is_connected_yet(
    rotation: Rotation,
) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        await open_vault(gateway.parts.ports.begin, gateway.parts.keyring)  # as any start does
    wrong = await rotation.run(rotation.after, "http")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith(
        f"PLATFORM_TOKEN_SECRET: key {id_of(rotation.old)} was used here"
    )
    assert "shows 0" not in wrong.stderr  # of credentials it shows 0 already
    assert "kept_keys" in wrong.stderr
    assert rotation.new not in wrong.stdout + wrong.stderr


async def test_v5_a_value_that_the_right_secret_does_not_open_is_refused(
    rotation: Rotation,
) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        sealed = gateway.parts.ports.vault.nothing(new_id(), Platform.VK).access_token
        async with gateway.parts.engine.begin() as connection:
            await connection.execute(delete(kept_keys))
            await connection.execute(insert(kept_keys).values(name="fingerprint", sealed=sealed))
    done = await rotation.run(rotation.before, "http")
    assert done.returncode == 2
    assert "does not open what this database keeps" in done.stderr


async def test_v4_the_key_that_names_accounts_is_shown_and_moved_like_any_credential(
    rotation: Rotation,
) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        await open_vault(gateway.parts.ports.begin, gateway.parts.keyring)  # as any start does
    shown = (await rotation.run(rotation.between, "keys")).stdout.splitlines()
    assert shown[1] == f"{id_of(rotation.old)}          1 sealed  previous"
    refused = await rotation.run(rotation.after, "reseal")
    assert (refused.returncode, refused.stdout.split(", ")[-1]) == (1, "left 1\n")
    moved = await rotation.run(rotation.between, "reseal")
    assert (moved.returncode, moved.stdout.split(", ")[-1]) == (0, "left 0\n")
    shown = (await rotation.run(rotation.between, "keys")).stdout.splitlines()
    assert shown[1] == f"{id_of(rotation.old)}          0 sealed  previous"
    async with rotation.running(rotation.after) as [gateway]:
        await open_vault(gateway.parts.ports.begin, gateway.parts.keyring)


async def test_v4_a_late_start_with_an_older_current_secret_takes_no_key_back(
    rotation: Rotation,
) -> None:
    older = rotation.under(rotation.old, rotation.new)
    async with rotation.running(older, rotation.between) as (late, first):
        names = await open_vault(first.parts.ports.begin, first.parts.keyring)
        assert await open_vault(late.parts.ports.begin, late.parts.keyring) == names
    async with rotation.running(rotation.after) as [alone]:
        assert await open_vault(alone.parts.ports.begin, alone.parts.keyring) == names


async def test_v2_a_damaged_row_keeps_nobody_from_starting(rotation: Rotation, linked: str) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        blob = (await stored(gateway, linked)).access_token
        for damaged in (b"", blob[:3], blob[:20], b"x" + blob[1:3] + b"?" + blob[4:]):
            await change(gateway, linked, access_token=damaged)
            await open_vault(gateway.parts.ports.begin, gateway.parts.keyring)
            assert (await rotation.run(rotation.before, "keys")).returncode == 0
        assert (await gateway.lease(linked)).status_code == 410


async def test_v4_few_connections_under_a_missing_key_are_named(
    rotation: Rotation, linked: str
) -> None:
    refused = await rotation.run(rotation.after, "http")
    assert refused.returncode == 2
    assert f"1 credentials are sealed under key {id_of(rotation.old)} ({linked})" in refused.stderr
    async with rotation.running(rotation.before) as [gateway]:
        row = (await stored(gateway, linked))._asdict()
        more = [{**row, "connection_id": new_id(), "account_id": str(one)} for one in range(5)]
        async with gateway.parts.engine.begin() as connection:
            await connection.execute(insert(credentials), more)
    refused = await rotation.run(rotation.after, "http")
    assert f"6 credentials are sealed under key {id_of(rotation.old)}, and" in refused.stderr


def test_a_process_that_can_not_look_at_its_database_does_not_start(
    rotation: Rotation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(starting, "PATIENCE_SECONDS", 0)
    away = {**rotation.before, "DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    settings = {name.lower(): value for name, value in away.items()}
    with pytest.raises(SystemExit) as end:
        starting.opened(GatewaySettings.model_validate(settings))
    assert end.value.code == 3
    assert capsys.readouterr().err.startswith("DATABASE_URL: the database can't be read")


async def test_the_keys_in_use_are_read_from_an_index(rotation: Rotation, linked: str) -> None:
    async with rotation.running(rotation.before) as [gateway]:
        row = (await stored(gateway, linked))._asdict()
        more = [
            {**row, "connection_id": new_id(), "account_id": str(turn)} for turn in range(20_000)
        ]
        async with gateway.parts.engine.begin() as connection:
            for start in range(0, len(more), 1000):
                await connection.execute(insert(credentials), more[start : start + 1000])
            await connection.execute(text("ANALYZE credentials"))
        key = bytes.fromhex(id_of(rotation.old))
        async with gateway.parts.ports.begin() as work:
            assert list(await work.sealed.keys()) == [key]
            assert len(await work.sealed.under(key, UUID(linked), 100)) == 100
            scans = text(
                "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'credentials'"
            )
            assert (await work.connection.execute(scans)).scalar_one() == 0


async def test_v4_a_replica_without_the_secret_gives_nothing_up(
    rotation: Rotation, linked: str
) -> None:
    """A rotation restarts one replica after the other: one that lacks a key leaves rows alone."""
    async with rotation.running(rotation.before, rotation.after) as (able, unable):
        await check_left_alone(able, unable, linked)


async def check_left_alone(able: RealGateway, unable: RealGateway, linked: str) -> None:
    assert (await unable.lease(linked)).status_code == 503
    assert (await unable.lease(linked, 1)).status_code == 503
    assert able.seen("vkid", "refresh") == 0
    assert (await able.lease(linked)).status_code == 200
    async with able.parts.ports.begin() as work:
        assert await work.erasing.mark_erasing(UUID(linked), 1)
    for _ in range(ERASE_TRIES + 2):
        assert await erase_credential(unable.parts.ports)
        assert (await stored(able, linked)).erase_tries == 0
        await change(able, linked, erase_at=datetime.now(UTC))
    assert able.seen("vkid", "revoke") == 0
    assert await erase_credential(able.parts.ports)
    assert able.seen("vkid", "revoke") == 1
    assert await stored(able, linked) is None
