"""The due posts of one account, found without those of all others and without its old ones."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "watches_account_due",
        "watches",
        ["connection_id", "next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL AND paused IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("watches_account_due", "watches")
