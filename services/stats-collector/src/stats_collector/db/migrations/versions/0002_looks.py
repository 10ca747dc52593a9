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
    ("watches", sa.Column("private", sa.Boolean)),
    ("watches", sa.Column("sampled_at", MOMENT)),
    ("watches", sa.Column("source", sa.String)),
    ("samples", sa.Column("processing", sa.Boolean, nullable=False, server_default="false")),
    ("samples", sa.Column("comparable", sa.Boolean, nullable=False, server_default="true")),
)
"""Adding them rewrites no table: the defaults are constants."""


def upgrade() -> None:
    for table, column in NEW:
        op.add_column(table, column)
    # What is still watched tells when and from where it was sampled, or it would pass for never
    # sampled; post by post, each a step in the primary key.
    op.execute(
        "UPDATE watches SET sampled_at = last.at, source = last.source FROM watches AS live,"
        " LATERAL (SELECT at, source FROM samples WHERE publication_id = live.publication_id"
        " ORDER BY at DESC LIMIT 1) AS last"
        " WHERE live.publication_id = watches.publication_id AND live.next_at IS NOT NULL"
    )


def downgrade() -> None:
    for table, column in reversed(NEW):
        op.drop_column(table, column.name)
