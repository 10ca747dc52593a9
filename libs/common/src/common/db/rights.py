"""What the role a service works as may do in its database: rows of its tables, and no more.

The tables' owner gives it, in the transaction that changes the tables: no table is ever there
without its rights, or with wider ones.
"""

from sqlalchemy import Connection, inspect, text

ROWS = "SELECT, INSERT, UPDATE, DELETE"
ADD = "SELECT, INSERT"
LESS = {"alembic_version": "SELECT", "audit": ADD, "samples": ADD}
"""The version is the owner's to change; what was noted down as history is nobody's."""


def grant(connection: Connection, role: str) -> None:
    """Give `role` what it needs on every table there is, and take away all else."""
    quote = connection.dialect.identifier_preparer.quote
    for table in inspect(connection).get_table_names():
        of = f"ON {quote(table)}"
        connection.execute(text(f"REVOKE ALL {of} FROM {quote(role)}"))
        connection.execute(text(f"GRANT {LESS.get(table, ROWS)} {of} TO {quote(role)}"))
