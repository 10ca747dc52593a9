"""Whether the database is there, in shape and in time, and lets the service do just its work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import MetaData, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db import rights
from common.db.engine import connect
from common.doctor.finding import Check, Finding
from common.settings import Settings

SECURITY = "docs/security.md, 'Rights, and how an installation gets them'"
OFF_SECONDS = 2.0
COMMON = frozenset({"outbox", "inbox", "answers"})
"""What every service has."""
MAY = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
ROLE = text("""
SELECT rolsuper AS "is a superuser", rolcreatedb AS "may create databases",
  rolcreaterole AS "may create roles",
  has_database_privilege(current_database(), 'CREATE') AS "may create schemas",
  has_schema_privilege('public', 'CREATE') AS "may create tables",
  EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid) AS "owns tables"
FROM pg_roles WHERE rolname = current_user""")
TABLES = text("""
SELECT relname, ARRAY(SELECT one FROM unnest(CAST(:may AS text[])) AS one
  WHERE has_table_privilege(pg_class.oid, one)) AS may
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname""")


def check(
    package: str, migrations: Path, tables: MetaData, now: Callable[[], datetime] | None = None
) -> Check[Settings]:
    """The lines about a service's database."""
    clock = now or (lambda: datetime.now(UTC))
    migrate = f"python -m {package} migrate"
    wanted = frozenset(tables.tables)

    async def ask(settings: Settings) -> AsyncIterator[Finding]:
        engine = connect(settings.database_url, f"{package}-doctor", size=1)
        try:
            async with engine.connect() as connection:
                version = (await connection.execute(text("SHOW server_version"))).scalar_one()
                yield Finding("database", True, f"PostgreSQL {version}")
                yield await _clock(connection, clock)
                current = await _current(connection)
                found = await asyncio.to_thread(_revision, current, migrations, migrate)
                missing = wanted - await _there(connection)
                yield found if current is None else _ours(found, current, wanted, missing)
                yield await _role(connection)
                yield await _tables(connection, migrate)
        finally:
            await engine.dispose()

    mend = "DATABASE_URL: is the server up, and are host, database, role and password right?"
    return Check("database", ask, ("database_url",), mend)


async def _clock(connection: AsyncConnection, now: Callable[[], datetime]) -> Finding:
    before = now()
    there: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    after = now()
    # Between the two it was asked: only what lies outside of them is a difference.
    off = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    return Finding(
        "database clock",
        off < OFF_SECONDS,
        f"{off:.1f} s from ours",
        "run NTP on both machines: leases and schedules go by these clocks",
    )


async def _current(connection: AsyncConnection) -> str | None:
    try:
        async with connection.begin_nested():
            found = await connection.execute(text("SELECT version_num FROM alembic_version"))
            return found.scalar_one_or_none()
    except ProgrammingError:  # no such table, or none of its rows are ours to read
        return None


def _revision(current: str | None, migrations: Path, migrate: str) -> Finding:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - no process needs alembic

    history = ScriptDirectory(str(migrations))
    head = history.get_current_head()
    if current == head:
        return Finding("migrations", True, f"at {current}")
    if current is None:
        return Finding("migrations", False, f"none was applied, {head} is needed", migrate)
    if current in {one.revision for one in history.walk_revisions()}:
        return Finding("migrations", False, f"at {current}, {head} is needed", migrate)
    return Finding(
        "migrations",
        None,
        f"at {current}, which this build does not know: it is older ({head}). That works where a "
        "former build was put back on purpose",
    )


def _ours(found: Finding, current: str, wanted: frozenset[str], missing: frozenset[str]) -> Finding:
    """Revisions have the same names in all services, so only the tables show whose they are."""
    behind = found.ok is False  # then some may be missing, but never all that no other service has
    if not missing or (behind and not missing >= wanted - COMMON):
        return found
    return Finding(
        "migrations",
        False,
        f"at {current}, and without {', '.join(sorted(missing))}: "
        "is this another service's database?",
        "DATABASE_URL: name the service's own database; migrate nothing before",
    )


async def _there(connection: AsyncConnection) -> set[str]:
    return {name for name, _ in (await connection.execute(TABLES, {"may": []})).all()}


async def _role(connection: AsyncConnection) -> Finding:
    row = (await connection.execute(ROLE)).mappings().one()
    much = [what for what, has in row.items() if has]
    detail = f"the service's role {', '.join(much)}" if much else "owns and creates nothing"
    return Finding("database rights", not much, detail, f"a role that may less: {SECURITY}")


async def _tables(connection: AsyncConnection, migrate: str) -> Finding:
    rows = (await connection.execute(TABLES, {"may": list(MAY)})).all()
    odd = [
        name
        for name, may in rows
        if set(may) != set(rights.LESS.get(name, rights.ROWS).split(", "))
    ]
    return Finding(
        "table rights",
        bool(rows) and not odd,
        f"other rights than needed on {', '.join(odd)}"
        if odd
        else f"as needed on {len(rows)} tables"
        if rows
        else "no tables",
        f"{migrate}, with DATABASE_OWNER_URL: it gives them",
    )
