"""Migrations of every service: from empty, on a used database, back, and true to the code."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Column, Connection, MetaData, Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db import migrate
from common.db.engine import connect
from common.ids import new_id
from support.servers import NewDatabase, owners

T = TypeVar("T")
SOMETHING = new_id()
"""The id of every row, so that rows may name each other."""
MIGRATE = """
import sys
from pathlib import Path
from pydantic import SecretStr
from common.db.migrate import upgrade
upgrade(Path(sys.argv[1]), SecretStr(sys.argv[2]))
"""
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
    FROM information_schema.columns WHERE table_schema = 'public'
    AND table_name <> 'alembic_version' ORDER BY 1, 2
"""
INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    AND tablename <> 'alembic_version' ORDER BY 1, 2
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
    ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Service:
    """Where a service keeps its tables and its history."""

    name: str
    metadata: MetaData
    folder: Path


def _service(name: str) -> Service:
    tables = import_module(f"{name.replace('-', '_')}.db.tables")
    found = [one for one in vars(tables).values() if isinstance(one, MetaData)]
    assert tables.__file__
    return Service(name, found[0], Path(tables.__file__).parent / "migrations")


SERVICES = [
    _service(name) for name in ("connections", "oauth-gateway", "publisher", "stats-collector")
]


@pytest.fixture(params=SERVICES, ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.param
    return found


def _within(url: str, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Do something in one transaction. Alembic brings its own loop, so these tests have none."""

    async def run() -> T:
        engine = connect(SecretStr(url), "test")
        try:
            async with engine.begin() as connection:
                return await work(connection)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _rows(url: str, query: str) -> list[Any]:
    async def read(connection: AsyncConnection) -> list[Any]:
        return [tuple(row) for row in await connection.execute(text(query))]

    return _within(url, read)


def _catalogue(url: str) -> list[list[Any]]:
    return [_rows(url, query) for query in (COLUMNS, INDEXES, CONSTRAINTS)]


def test_up_from_empty_again_down_to_nothing_and_up(
    service: Service, new_database: NewDatabase
) -> None:
    url = new_database(service.name, None)
    seen = []
    for _ in range(2):
        migrate.upgrade(service.folder, SecretStr(url))
        migrate.upgrade(service.folder, SecretStr(url), user=SecretStr(url))  # one role for all
        seen.append(_catalogue(url))
        migrate.downgrade(service.folder, SecretStr(url), "base")
        assert _catalogue(url) == [[], [], []]
    assert seen[0] == seen[1]
    assert seen[0][0]


def test_the_migrations_make_exactly_the_tables_that_the_code_reads(
    service: Service, new_database: NewDatabase
) -> None:
    """Compared by Alembic, and by the server's own words: partial indexes, defaults, checks."""
    migrated = owners(new_database(service.name, service.folder))

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[Any] = compare_metadata(context, service.metadata)
        return found

    assert _within(migrated, lambda connection: connection.run_sync(differences)) == []
    drawn = new_database(service.name, None)
    _within(drawn, lambda connection: connection.run_sync(service.metadata.create_all))
    assert _catalogue(migrated) == _catalogue(drawn)


def test_on_a_used_database_an_upgrade_changes_nothing(
    service: Service, new_database: NewDatabase
) -> None:
    url = new_database(service.name, service.folder)

    async def use(connection: AsyncConnection) -> None:
        for table in service.metadata.sorted_tables:
            await connection.execute(insert(table).values(_row(table)))

    async def everything(connection: AsyncConnection) -> dict[str, list[Any]]:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table))]
            for table in service.metadata.sorted_tables
        }

    _within(url, use)
    before = _within(url, everything)
    assert all(before.values())
    migrate.upgrade(service.folder, SecretStr(owners(url)), user=SecretStr(url))
    assert _within(url, everything) == before


def test_a_former_build_leaves_the_tables_of_a_newer_one_alone(
    service: Service, new_database: NewDatabase
) -> None:
    url = owners(new_database(service.name, service.folder))

    async def newer(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    _within(url, newer)
    before = _catalogue(url)
    migrate.upgrade(service.folder, SecretStr(url))
    assert _catalogue(url) == before
    assert _rows(url, "SELECT version_num FROM alembic_version") == [("9999",)]


def _row(table: Table) -> dict[str, Any]:
    row = {column.name: _value(column) for column in table.columns if column.identity is None}
    return row | ({"status": "active"} if "status" in row and row["status"] == "x" else {})


def _value(column: Column[Any]) -> Any:
    kind = column.type.as_generic().__class__.__name__
    return {
        "Uuid": SOMETHING,
        "String": "x",
        "Text": "x",
        "DateTime": datetime.now(UTC),
        "Boolean": True,
        "Float": 1.0,
        "Integer": 1,
        "SmallInteger": 1,
        "BigInteger": 1,
        "LargeBinary": b"x",
        "JSON": {"x": 1},
        "ARRAY": ["x"],
        "Date": datetime.now(UTC).date(),
    }[kind]


def test_two_deployments_that_migrate_at_once_do_not_meet(
    service: Service, new_database: NewDatabase
) -> None:
    url = new_database(service.name, None)

    command = [sys.executable, "-c", MIGRATE, str(service.folder), url]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
    running = [subprocess.Popen(command, env=env) for _ in range(2)]
    assert [one.wait(60) for one in running] == [0, 0]

    async def versions(connection: AsyncConnection) -> int:
        found = await connection.execute(select(func.count()).select_from(text("alembic_version")))
        return int(found.scalar_one())

    assert _within(url, versions) == 1
