"""Linked accounts, plans, and the tables every service has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from common.db import first_migration

revision = "0001"
down_revision = None


def upgrade() -> None:
    first_migration.create()
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("platform", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("account_name", sa.String, nullable=False),
        sa.Column("account_avatar_url", sa.String),
        sa.Column("account_url", sa.String),
        sa.Column("granted", JSONB, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("grant_number", sa.Integer, nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
    )
    live = sa.text("removed_at IS NULL")
    op.create_index(
        "connections_live_account",
        "connections",
        ["user_id", "platform", "account_id"],
        unique=True,
        postgresql_where=live,
    )
    op.create_index(
        "connections_live_page", "connections", ["user_id", "id"], postgresql_where=live
    )
    op.create_table(
        "plans",
        sa.Column("user_id", sa.String, primary_key=True),
        sa.Column("plan", sa.String, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("plans")
    op.drop_table("connections")
    first_migration.drop()
