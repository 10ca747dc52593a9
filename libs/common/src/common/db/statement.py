"""A statement that is compiled once and then run by the driver itself.

Where every publication passes, SQLAlchemy's way around a statement costs four times what the
statement costs the driver. It is still written in SQLAlchemy's language, and checked by it.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import asyncpg
from sqlalchemy import BindParameter, exc
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import ReturnsRows
from sqlalchemy.types import TypeEngine

from common.db.engine import dumps

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
DIALECT = dialect(json_serializer=dumps)  # type: ignore[no-untyped-call]


class _Compiler(PGCompiler_asyncpg):
    """Writes what is known when the statement is built into its text. So PostgreSQL sees which
    partial index it is about, and plans it once a connection instead of at each call."""

    def visit_bindparam(self, bindparam: BindParameter[Any], *how: Any, **more: Any) -> Any:  # noqa: ANN401 - the compiler's own
        more["literal_binds"] = more.get("literal_binds") or not bindparam.required
        return super().visit_bindparam(bindparam, *how, **more)  # type: ignore[no-untyped-call]


DIALECT.statement_compiler = _Compiler


def driver_of(connection: AsyncConnection) -> Driver:
    """What SQLAlchemy's connection talks through."""
    pooled = connection.sync_connection
    assert pooled is not None  # noqa: S101 - it was opened
    return cast("Driver", pooled.connection.driver_connection)


class Statement:
    """Build it once: at import, or behind a cache. `run` needs a value for each free parameter."""

    def __init__(self, statement: ReturnsRows) -> None:
        compiled = statement.compile(dialect=DIALECT)
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._writers = _processors(
            {name: _type(one.type).bind_processor(DIALECT) for name, one in compiled.binds.items()}
        )
        self._readers = _processors(
            {
                one.key: _type(one.type).result_processor(DIALECT, None)
                for one in statement.exported_columns
            }
        )

    def bound(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text, and what the driver is given for its parameters."""
        given = dict(values)
        for name, write in self._writers.items():
            given[name] = write(given[name])
        return self._sql, [given[name] for name in self._names]

    async def run(
        self, connection: AsyncConnection, values: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The rows. Raises as SQLAlchemy does, and never shows a value."""
        sql, given = self.bound(values or {})
        try:
            found = await driver_of(connection).fetch(sql, *given)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            told = error
        else:
            return [self._read(record) for record in found]
        raise as_told_by_sqlalchemy(told)

    def _read(self, record: asyncpg.Record) -> dict[str, Any]:
        row = dict(record)
        for name, read in self._readers.items():
            row[name] = read(row[name])
        return row


def _type(known: TypeEngine[Any]) -> TypeEngine[Any]:
    return known.dialect_impl(DIALECT)


def _processors(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: process for name, process in known.items() if process is not None}


def as_told_by_sqlalchemy(error: asyncpg.PostgresError | asyncpg.InterfaceError) -> Exception:
    """The same error, for whoever knows those of SQLAlchemy; without values."""
    if isinstance(error, asyncpg.DataError):  # its text names the value
        kind_only = asyncpg.DataError(f"{type(error).__name__}: a value does not fit")
        return exc.DataError(None, None, kind_only, hide_parameters=True)
    if isinstance(error, asyncpg.InterfaceError):
        return exc.InterfaceError(None, None, error, hide_parameters=True)
    error.detail = None  # may hold a whole row
    integrity = isinstance(error, asyncpg.IntegrityConstraintViolationError)
    kind = exc.IntegrityError if integrity else exc.DBAPIError
    return kind(None, None, error, hide_parameters=True)
