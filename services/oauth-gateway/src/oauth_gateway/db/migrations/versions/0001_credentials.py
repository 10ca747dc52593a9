"""Credentials, and the tables that every service has."""

from alembic import op
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from common.db import first_migration

revision = "0001"
down_revision = None


def upgrade() -> None:
    first_migration.create()
    op.create_table(
        "credentials",
        Column("connection_id", Uuid, primary_key=True),
        Column("user_id", String, nullable=False),
        Column("platform", String, nullable=False),
        Column("account_id", String, nullable=False),
        Column("grant_number", Integer, nullable=False),
        Column("version", Integer, nullable=False),
        Column("status", String, nullable=False),
        Column("access_token", LargeBinary, nullable=False),
        Column("refresh_token", LargeBinary),
        Column("extras", LargeBinary, nullable=False),
        Column("granted", ARRAY(String), nullable=False),
        Column("expires_at", DateTime(timezone=True)),
        Column("refresh_at", DateTime(timezone=True)),
        Column("lease", Uuid),
        Column("leased_until", DateTime(timezone=True)),
        Column("erase_at", DateTime(timezone=True)),
        Column("erase_tries", SmallInteger, nullable=False, server_default="0"),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        UniqueConstraint("user_id", "platform", "account_id", name="credentials_account"),
        CheckConstraint("status IN ('active', 'refused', 'erasing')", name="credentials_status"),
    )
    op.create_index(
        "credentials_refresh_at",
        "credentials",
        ["refresh_at"],
        postgresql_where=text("status = 'active'"),
    )
    op.create_index(
        "credentials_erase_at",
        "credentials",
        ["erase_at"],
        postgresql_where=text("status = 'erasing'"),
    )
    op.create_index("credentials_platform_account", "credentials", ["platform", "account_id"])


def downgrade() -> None:
    op.drop_table("credentials")
    first_migration.drop()
