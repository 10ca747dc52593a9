"""The tables that every service has: outbox, inbox and remembered answers."""

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB


def moment(name: str, *, nullable: bool = False, now: bool = False) -> Column[object]:
    """A timestamp with time zone."""
    default = func.now() if now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def outbox_table(metadata: MetaData) -> Table:
    """Facts waiting for the relay. `leased_until` keeps two relays off the same row."""
    table = Table(
        "outbox",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("routing_key", String, nullable=False),
        Column("body", JSONB, nullable=False),
        moment("created_at", now=True),
        moment("leased_until", nullable=True),
        moment("sent_at", nullable=True),
    )
    Index("outbox_unsent", table.c.created_at, postgresql_where=text("sent_at IS NULL"))
    Index("outbox_sent", table.c.sent_at, postgresql_where=text("sent_at IS NOT NULL"))
    return table


def inbox_table(metadata: MetaData) -> Table:
    """Messages whose effect is committed, by consumer."""
    table = Table(
        "inbox",
        metadata,
        Column("consumer", String, primary_key=True),
        Column("message_id", Uuid, primary_key=True),
        moment("seen_at", now=True),
    )
    Index("inbox_seen_at", table.c.seen_at)
    return table


def answers_table(metadata: MetaData) -> Table:
    """Answers kept for `Idempotency-Key`, written in the effect's own transaction."""
    table = Table(
        "answers",
        metadata,
        Column("user_id", String, primary_key=True),
        Column("route", String, primary_key=True),
        Column("key", String, primary_key=True),
        Column("body_hash", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("answer", JSONB, nullable=False),
        moment("created_at", now=True),
    )
    Index("answers_created_at", table.c.created_at)
    return table
