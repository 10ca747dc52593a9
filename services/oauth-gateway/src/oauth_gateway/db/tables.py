"""The tables of oauth-gateway."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)

from common.db.tables import answers_table, inbox_table, moment, outbox_table

metadata = MetaData()
outbox_table(metadata)
inbox_table(metadata)
answers_table(metadata)

credentials = Table(
    "credentials",
    metadata,
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
    moment("expires_at", nullable=True),
    moment("refresh_at", nullable=True),
    # A lease for renewing or erasing. Without a holder it is a pause after a failure.
    Column("lease", Uuid),
    moment("leased_until", nullable=True),
    moment("erase_at", nullable=True),
    Column("erase_tries", SmallInteger, nullable=False, server_default="0"),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    UniqueConstraint("user_id", "platform", "account_id", name="credentials_account"),
    CheckConstraint("status IN ('active', 'refused', 'erasing')", name="credentials_status"),
    Index("credentials_refresh_at", "refresh_at", postgresql_where=text("status = 'active'")),
    Index("credentials_erase_at", "erase_at", postgresql_where=text("status = 'erasing'")),
    Index("credentials_platform_account", "platform", "account_id"),
)
