"""What is watched, every sample, what was heard of connections; outbox, inbox and answers."""

import sqlalchemy as sa
from alembic import op

from common.db import first_migration

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    first_migration.create()
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("paused", sa.String),
    )
    op.create_table(
        "watches",
        sa.Column("publication_id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("platform", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("post_id", sa.String, nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("unavailable", sa.String),
        sa.Column("paused", sa.String),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("round_at", MOMENT),
        sa.Column("next_at", MOMENT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("views", sa.BigInteger),
        sa.Column("traceparent", sa.String, nullable=False),
        sa.Column("correlation_id", sa.String, nullable=False),
        sa.Column("lease", sa.Uuid),
        sa.Column("leased_until", MOMENT),
    )
    op.create_index(
        "watches_due",
        "watches",
        ["platform", "next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL AND paused IS NULL"),
    )
    op.create_index("watches_connection", "watches", ["connection_id"])
    op.create_index("watches_user", "watches", ["user_id", "publication_id"])
    op.create_table(
        "samples",
        sa.Column(
            "publication_id", sa.Uuid, sa.ForeignKey("watches.publication_id"), primary_key=True
        ),
        sa.Column("at", MOMENT, primary_key=True),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("views", sa.BigInteger),
        sa.Column("likes", sa.BigInteger),
        sa.Column("shares", sa.BigInteger),
        sa.Column("comments", sa.BigInteger),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("views_growth", sa.BigInteger),
    )


def downgrade() -> None:
    for name in ("samples", "watches", "connections"):
        op.drop_table(name)
    first_migration.drop()
