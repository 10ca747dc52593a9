"""The tables of oauth-gateway."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    literal_column,
    text,
)

from common.db.tables import answers_table, inbox_table, moment, outbox_table

KEY_ID = "substring(access_token, 3, 4)"
"""Which key a row is sealed under (vault/box.py); all of its fields are always sealed together."""

metadata = MetaData()
outbox_table(metadata)
inbox_table(metadata)
answers_table(metadata)

credentials = Table(
    "credentials",
    metadata,
    Column("connection_id", Uuid, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("account_id", String, nullable=False),
    Column("grant_number", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("access_token", LargeBinary, nullable=False),
    Column("refresh_token", LargeBinary),
    Column("extras", LargeBinary, nullable=False),
    Column("granted", ARRAY(String), nullable=False),
    moment("expires_at", nullable=True),
    moment("refresh_at", nullable=True),
    # A lease for renewing or erasing. Without a holder it is a pause after a failure.
    Column("lease", Uuid),
    moment("leased_until", nullable=True),
    moment("erase_at", nullable=True),
    Column("erase_tries", SmallInteger, nullable=False, server_default="0"),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    UniqueConstraint("user_id", "platform", "account_id", name="credentials_account"),
    CheckConstraint("status IN ('active', 'refused', 'erasing')", name="credentials_status"),
    Index("credentials_refresh_at", "refresh_at", postgresql_where=text("status = 'active'")),
    Index("credentials_erase_at", "erase_at", postgresql_where=text("status = 'erasing'")),
    Index("credentials_platform_account", "platform", "account_id"),
    Index("credentials_key_id", text(KEY_ID), "connection_id"),
)

# One row: what fingerprints are made with. It is opened at every start, so that a wrong secret is
# noticed even before anything was connected.
kept_keys = Table(
    "kept_keys",
    metadata,
    Column("name", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

# Who did what with which tokens. Rows are only ever added; ids sort by time.
audit = Table(
    "audit",
    metadata,
    Column("id", Uuid, primary_key=True),
    moment("at", now=True),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("platform", String, nullable=False),
    Column("trace_id", String, nullable=False),
    Index("audit_connection", "connection_id"),
)

key_id = literal_column(KEY_ID, LargeBinary)
