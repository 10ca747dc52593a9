"""Users take turns, and an account that was asked too often rests."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only additions, and one index for two narrower ones: an older build works on it."""
    op.add_column("connections", sa.Column("rest_until", sa.DateTime(timezone=True)))
    op.create_index(
        "publications_in_turn",
        "publications",
        ["platform", "user_id", sa.text("(step IS NULL)"), "id", "due_at"],
        postgresql_where=sa.text("status = 'publishing'"),
    )
    op.create_index(
        "publications_scheduled",
        "publications",
        ["due_at"],
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_index(
        "publications_uncalled",
        "publications",
        ["due_at"],
        postgresql_where=sa.text("status = 'publishing' AND woken_at IS NULL"),
    )
    op.drop_index("publications_due", "publications")


def downgrade() -> None:
    """Undo."""
    op.create_index(
        "publications_due",
        "publications",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.drop_index("publications_uncalled", "publications")
    op.drop_index("publications_scheduled", "publications")
    op.drop_index("publications_in_turn", "publications")
    op.drop_column("connections", "rest_until")
