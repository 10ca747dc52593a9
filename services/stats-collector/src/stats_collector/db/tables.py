"""The tables: what is watched, every sample, and what was last heard of each connection."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    text,
)

from common.db.tables import answers_table, inbox_table, moment, outbox_table

METADATA = MetaData()
outbox_table(METADATA)
inbox_table(METADATA)
answers_table(METADATA)

CONNECTIONS = Table(
    "connections",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("paused", String),
)

WATCHES = Table(
    "watches",
    METADATA,
    Column("publication_id", Uuid, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("platform", String, nullable=False),
    Column("account_id", String, nullable=False),
    Column("post_id", String, nullable=False),
    moment("published_at"),
    moment("until"),
    Column("unavailable", String),
    Column("paused", String),
    Column("gone", Boolean, nullable=False),
    Column("processing", Boolean, nullable=False, server_default="false"),
    moment("round_at", nullable=True),
    moment("next_at", nullable=True),
    Column("failures", Integer, nullable=False),
    Column("told", Integer, nullable=False),
    Column("private", Boolean),
    moment("sampled_at", nullable=True),
    Column("views", BigInteger),
    Column("source", String),
    Column("traceparent", String, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("lease", Uuid),
    moment("leased_until", nullable=True),
)
Index(
    "watches_due",
    WATCHES.c.platform,
    WATCHES.c.next_at,
    postgresql_where=text("next_at IS NOT NULL AND paused IS NULL"),
)
Index(
    "watches_account_due",
    WATCHES.c.connection_id,
    WATCHES.c.next_at,
    postgresql_where=text("next_at IS NOT NULL AND paused IS NULL"),
)
Index("watches_connection", WATCHES.c.connection_id)
Index("watches_user", WATCHES.c.user_id, WATCHES.c.publication_id)

SAMPLES = Table(
    "samples",
    METADATA,
    Column("publication_id", Uuid, ForeignKey(WATCHES.c.publication_id), primary_key=True),
    Column("at", moment("at").type, primary_key=True),
    Column("source", String, nullable=False),
    Column("views", BigInteger),
    Column("likes", BigInteger),
    Column("shares", BigInteger),
    Column("comments", BigInteger),
    Column("gone", Boolean, nullable=False),
    Column("processing", Boolean, nullable=False, server_default="false"),
    Column("comparable", Boolean, nullable=False, server_default="true"),
    Column("views_growth", BigInteger),
)
