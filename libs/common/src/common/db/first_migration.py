"""The tables every service starts with, as they were in each first migration. Never changed."""

from alembic import op
from sqlalchemy import Column, DateTime, Integer, LargeBinary, String, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB


def create() -> None:
    """Outbox, inbox and remembered answers."""
    op.create_table(
        "outbox",
        Column("id", Uuid, primary_key=True),
        Column("routing_key", String, nullable=False),
        Column("body", JSONB, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("leased_until", DateTime(timezone=True)),
        Column("sent_at", DateTime(timezone=True)),
    )
    op.create_index(
        "outbox_unsent", "outbox", ["created_at"], postgresql_where=text("sent_at IS NULL")
    )
    op.create_index(
        "outbox_sent", "outbox", ["sent_at"], postgresql_where=text("sent_at IS NOT NULL")
    )
    op.create_table(
        "inbox",
        Column("consumer", String, primary_key=True),
        Column("message_id", Uuid, primary_key=True),
        Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    op.create_index("inbox_seen_at", "inbox", ["seen_at"])
    op.create_table(
        "answers",
        Column("user_id", String, primary_key=True),
        Column("route", String, primary_key=True),
        Column("key", String, primary_key=True),
        Column("body_hash", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("answer", JSONB, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    op.create_index("answers_created_at", "answers", ["created_at"])


def drop() -> None:
    """Undo `create`."""
    for name in ("answers", "inbox", "outbox"):
        op.drop_table(name)
