"""Which key seals what, found without reading every row; and the trail of who did what."""

from alembic import op
from sqlalchemy import Column, DateTime, LargeBinary, String, Uuid, func, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index(
        "credentials_key_id",
        "credentials",
        [text("substring(access_token, 3, 4)"), "connection_id"],
    )
    op.create_table(
        "kept_keys",
        Column("name", String, primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
    )
    op.create_table(
        "audit",
        Column("id", Uuid, primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("actor", String, nullable=False),
        Column("action", String, nullable=False),
        Column("connection_id", Uuid, nullable=False),
        Column("platform", String, nullable=False),
        Column("trace_id", String, nullable=False),
    )
    op.create_index("audit_connection", "audit", ["connection_id"])


def downgrade() -> None:
    op.drop_table("audit")
    op.drop_table("kept_keys")
    op.drop_index("credentials_key_id", "credentials")
