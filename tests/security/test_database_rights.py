"""Each service's role in a real database: rows of its own tables, and nothing else (S3, V6, D4)."""

from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from anyio import to_thread
from pydantic import SecretStr

from common.db import migrate
from localrun.credentials import Credentials
from localrun.environment import environment
from localrun.plan import SERVICES
from localrun.postgres import STATEMENT_TIMEOUT
from support.nowhere import places
from support.servers import NewDatabase, owners

pytestmark = pytest.mark.anyio
Databases = dict[str, str]
DENIED = (
    "CREATE TABLE extra (id int)",
    "CREATE TEMPORARY TABLE extra (id int)",
    "CREATE SCHEMA extra",
    "CREATE FUNCTION extra() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE INDEX extra ON outbox (routing_key)",
    "ALTER TABLE outbox ADD COLUMN extra int",
    "ALTER TABLE outbox OWNER TO CURRENT_USER",
    "DROP TABLE outbox",
    "TRUNCATE outbox",
    "UPDATE alembic_version SET version_num = '0000'",
    "DELETE FROM alembic_version",
    "CREATE ROLE extra",
    "SET ROLE {owner}",
    "ALTER ROLE {owner} PASSWORD 'extra'",
    "DROP DATABASE {database}",
    "COPY outbox TO PROGRAM 'true'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT rolpassword FROM pg_authid",
)


def migrations(service: str) -> Path:
    package = import_module(SERVICES[service])
    assert package.__file__
    return Path(package.__file__).parent / "db/migrations"


@pytest.fixture(scope="module")
def databases(new_database: NewDatabase) -> Databases:
    """DATABASE_URL of each service."""
    return {service: new_database(service, migrations(service)) for service in SERVICES}


@pytest.mark.parametrize("service", SERVICES)
async def test_s3_a_services_role_can_change_no_table_and_empty_none(
    databases: Databases, service: str
) -> None:
    url = databases[service]
    owner, name = urlsplit(owners(url)).username, urlsplit(url).path[1:]
    connection = await asyncpg.connect(url)
    try:
        for statement in DENIED:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement.format(owner=owner, database=name))
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_s3_what_a_service_does_need_is_allowed(databases: Databases, service: str) -> None:
    """Rows, the version to look at, NOTIFY, and locks of its own making."""
    connection = await asyncpg.connect(databases[service])
    try:
        assert await connection.fetchval("SELECT version_num FROM alembic_version")
        await connection.execute(
            "INSERT INTO inbox (consumer, message_id) VALUES ('test', gen_random_uuid())"
        )
        await connection.execute("UPDATE inbox SET seen_at = now() WHERE consumer = 'test'")
        assert await connection.execute("DELETE FROM inbox WHERE consumer = 'test'") == "DELETE 1"
        await connection.execute("LISTEN outbox")
        await connection.execute("SELECT pg_notify('outbox', '')")
        assert await connection.fetchval("SELECT pg_try_advisory_lock(1)")
    finally:
        await connection.close()


async def test_s3_the_server_ends_a_statement_whose_process_is_gone(databases: Databases) -> None:
    for url in databases.values():
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SHOW statement_timeout") == STATEMENT_TIMEOUT
        await connection.close()


async def test_s3_no_service_enters_anothers_database(databases: Databases) -> None:
    for service, url in databases.items():
        for other in databases.keys() - {service}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(_as(url, databases[other]))


async def test_v6_the_publisher_cannot_read_the_stored_tokens(databases: Databases) -> None:
    """Not even where somebody let its role into the gateway's database by mistake."""
    gateway, role = databases["oauth-gateway"], urlsplit(databases["publisher"]).username
    owner = await asyncpg.connect(owners(gateway))
    await owner.execute(f'GRANT CONNECT ON DATABASE "{urlsplit(gateway).path[1:]}" TO "{role}"')
    try:
        connection = await asyncpg.connect(_as(databases["publisher"], gateway))
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("SELECT * FROM credentials")
        finally:
            await connection.close()
    finally:
        await owner.execute(f'REVOKE ALL ON DATABASE "{urlsplit(gateway).path[1:]}" FROM "{role}"')
        await owner.close()


def test_v6_the_publisher_is_not_given_the_key_of_the_tokens(tmp_path: Path) -> None:
    secrets = Credentials()
    for service in SERVICES.keys() - {"oauth-gateway"}:
        given = environment(service, places(tmp_path), secrets)
        assert not [name for name in given if name.startswith("PLATFORM_TOKEN")]
        assert secrets.platform_token_secret not in given.values()


async def test_s3_tables_of_later_migrations_are_the_services_to_use(
    databases: Databases,
) -> None:
    url = databases["connections"]
    await _add(url, "connections", "CREATE TABLE later (id int PRIMARY KEY)")
    connection = await asyncpg.connect(url)
    await connection.execute("INSERT INTO later VALUES (1)")
    assert await connection.execute("DELETE FROM later") == "DELETE 1"
    await connection.close()


async def test_d4_a_service_adds_to_its_audit_and_never_changes_it(databases: Databases) -> None:
    url = databases["stats-collector"]
    await _add(url, "stats-collector", "CREATE TABLE audit (id int PRIMARY KEY)")
    connection = await asyncpg.connect(url)
    await connection.execute("INSERT INTO audit VALUES (1)")
    for statement in ("UPDATE audit SET id = 2", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    assert await connection.fetchval("SELECT id FROM audit") == 1
    await connection.close()


async def _add(url: str, service: str, table: str) -> None:
    """What a release with another migration does."""
    owner = await asyncpg.connect(owners(url))
    await owner.execute(table)
    await owner.close()
    await to_thread.run_sync(_migrate, url, service)


def _migrate(url: str, service: str) -> None:
    migrate.upgrade(migrations(service), SecretStr(owners(url)), user=SecretStr(url))


def _as(role: str, database: str) -> str:
    """The address of a database, with somebody else's role."""
    return database.replace(str(urlsplit(database).username), str(urlsplit(role).username), 1)
