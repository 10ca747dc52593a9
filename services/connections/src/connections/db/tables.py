"""The tables of this service beside outbox, inbox and remembered answers."""

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.tables import answers_table, inbox_table, moment, outbox_table

METADATA = MetaData()
outbox_table(METADATA)
inbox_table(METADATA)
answers_table(METADATA)

CONNECTIONS = Table(
    "connections",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("account_id", String, nullable=False),
    Column("account_name", String, nullable=False),
    Column("account_avatar_url", String),
    Column("account_url", String),
    Column("granted", JSONB, nullable=False),
    Column("status", String, nullable=False),
    moment("expires_at", nullable=True),
    moment("checked_at"),
    moment("created_at"),
    Column("version", Integer, nullable=False),
    Column("grant_number", Integer, nullable=False),
    moment("removed_at", nullable=True),
)
LIVE = text("removed_at IS NULL")
Index(
    "connections_live_account",
    CONNECTIONS.c.user_id,
    CONNECTIONS.c.platform,
    CONNECTIONS.c.account_id,
    unique=True,
    postgresql_where=LIVE,
)
Index("connections_live_page", CONNECTIONS.c.user_id, CONNECTIONS.c.id, postgresql_where=LIVE)

PLANS = Table(
    "plans",
    METADATA,
    Column("user_id", String, primary_key=True),
    Column("plan", String, nullable=False),
    moment("changed_at"),
)
