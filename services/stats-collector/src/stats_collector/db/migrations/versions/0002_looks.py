"""What a look found beside its numbers: when, from where, processed again, comparable or not."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NEW = (
    ("watches", sa.Column("processing", sa.Boolean, nullable=False, server_default="false")),
    ("watches", sa.Column("sampled_at", MOMENT)),
    ("watches", sa.Column("source", sa.String)),
    ("samples", sa.Column("comparable", sa.Boolean, nullable=False, server_default="true")),
)
"""None of them rewrites its table: the defaults are constants."""


def upgrade() -> None:
    for table, column in NEW:
        op.add_column(table, column)
    # What was sampled before tells its time and source, or it would pass for never sampled.
    op.execute(
        "UPDATE watches SET sampled_at = last.at, source = last.source FROM"
        " (SELECT DISTINCT ON (publication_id) publication_id, at, source FROM samples"
        " ORDER BY publication_id, at DESC) AS last"
        " WHERE last.publication_id = watches.publication_id"
    )


def downgrade() -> None:
    for table, column in reversed(NEW):
        op.drop_column(table, column.name)
