"""When the word about the plan was given, under which a publication was accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only an addition: an older build works on it."""
    op.add_column("publications", sa.Column("plan_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Undo."""
    op.drop_column("publications", "plan_at")
