"""Pauses; when a step was begun; why a cancel was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only additions: an older build works on it."""
    op.create_table(
        "pauses",
        sa.Column("scope", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("paused_by", sa.String, nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
    )
    op.add_column("publications", sa.Column("begun_at", sa.DateTime(timezone=True)))
    op.add_column("publications", sa.Column("cancel_why", sa.String))


def downgrade() -> None:
    """Undo."""
    op.drop_column("publications", "cancel_why")
    op.drop_column("publications", "begun_at")
    op.drop_table("pauses")
