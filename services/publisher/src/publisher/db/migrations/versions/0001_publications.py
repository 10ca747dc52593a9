"""Publications, their timeline, and what publisher remembers of others."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from common.db import first_migration

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ACTIVE = sa.text("status IN ('scheduled', 'publishing', 'uncertain')")


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    default = None if nullable else sa.func.now()
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def _no() -> sa.TextClause:
    return sa.text("false")


def upgrade() -> None:
    """Create everything."""
    first_migration.create()
    op.create_table(
        "publications",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("clip_id", sa.String, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("platform", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("options", JSONB, nullable=False),
        sa.Column("media", JSONB, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("stage", sa.String),
        sa.Column("percent", sa.Integer),
        _moment("stage_until"),
        sa.Column("stage_why", sa.String),
        _moment("schedule_at"),
        _moment("due_at"),
        _moment("woken_at"),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("hold", sa.String),
        sa.Column("step", sa.String),
        sa.Column("step_state", sa.String, nullable=False, server_default="ready"),
        sa.Column("cursor", JSONB),
        sa.Column("visible", sa.Boolean, nullable=False, server_default=_no()),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        _moment("lease_until"),
        sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=_no()),
        sa.Column("error_code", sa.String),
        sa.Column("error_reason", sa.String),
        sa.Column("post_id", sa.String),
        sa.Column("url", sa.String),
        _moment("created_at", nullable=False),
        _moment("updated_at", nullable=False),
        _moment("published_at"),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("traceparent", sa.String, nullable=False),
        sa.Column("correlation_id", sa.String, nullable=False),
        sa.Column("views", sa.BigInteger),
        sa.Column("likes", sa.BigInteger),
        sa.Column("shares", sa.BigInteger),
        sa.Column("comments", sa.BigInteger),
        _moment("stats_at"),
        sa.Column("stats_reason", sa.String),
        sa.Column("stats_version", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index(
        "publications_one_active",
        "publications",
        ["connection_id", "clip_id"],
        unique=True,
        postgresql_where=ACTIVE,
    )
    op.create_index(
        "publications_due",
        "publications",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("publications_of_user", "publications", ["user_id", "id"])
    op.create_index("publications_changed", "publications", ["user_id", "updated_at"])
    op.create_table(
        "timeline",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("publication_id", sa.Uuid, nullable=False),
        _moment("at", nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("step", sa.String),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("detail", sa.String),
        sa.Column("trace_id", sa.String, nullable=False),
    )
    op.create_index("timeline_of_publication", "timeline", ["publication_id", "id"])
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("platform", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("account_name", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("connections_of_user", "connections", ["user_id", "platform"])
    op.create_table(
        "plans",
        sa.Column("user_id", sa.String, primary_key=True),
        sa.Column("plan", sa.String, nullable=False),
        _moment("changed_at", nullable=False),
    )
    op.create_table(
        "media",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String),
        sa.Column("etag", sa.String),
        sa.Column("duration", sa.Float, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        _moment("created_at", nullable=False),
    )


def downgrade() -> None:
    """Undo all of it."""
    for name in ("media", "plans", "connections", "timeline", "publications"):
        op.drop_table(name)
    first_migration.drop()
