"""Publisher's tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from common.db.tables import answers_table, inbox_table, moment, outbox_table
from publisher.domain import states

metadata = MetaData()
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
answers = answers_table(metadata)

publications = Table(
    "publications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("clip_id", String, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("platform", String, nullable=False),
    Column("account_id", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("media", JSONB, nullable=False),
    Column("status", String, nullable=False),
    Column("stage", String),
    Column("percent", Integer),
    moment("stage_until", nullable=True),
    Column("stage_why", String),
    moment("schedule_at", nullable=True),
    moment("due_at", nullable=True),
    moment("woken_at", nullable=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("hold", String),
    Column("step", String),
    Column("step_state", String, nullable=False, server_default="ready"),
    Column("cursor", JSONB),
    Column("visible", Boolean, nullable=False, server_default=text("false")),
    Column("fence", Integer, nullable=False, server_default="0"),
    moment("lease_until", nullable=True),
    moment("begun_at", nullable=True),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("cancel_why", String),
    moment("plan_at", nullable=True),
    Column("error_code", String),
    Column("error_reason", String),
    Column("post_id", String),
    Column("url", String),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("published_at", nullable=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("traceparent", String, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("views", BigInteger),
    Column("likes", BigInteger),
    Column("shares", BigInteger),
    Column("comments", BigInteger),
    moment("stats_at", nullable=True),
    Column("stats_reason", String),
    Column("stats_version", Integer, nullable=False, server_default="0"),
    moment("first_claimed_at", nullable=True),
)
ACTIVE = text("status IN (" + ", ".join(f"'{one}'" for one in states.ACTIVE) + ")")
"""As text, for PostgreSQL to see that a question is about the index below."""
Index(
    "publications_one_active",
    publications.c.connection_id,
    publications.c.clip_id,
    unique=True,
    postgresql_where=ACTIVE,
)
_ACCOUNT = ("id", "connection_id", "user_id")
"""Listed beside what is due, so that paused ones are passed over in the index."""
Index(
    "publications_scheduled",
    publications.c.platform,
    publications.c.due_at,
    postgresql_where=text("status = 'scheduled'"),
    postgresql_include=_ACCOUNT,
)
Index(
    "publications_uncalled",
    publications.c.platform,
    publications.c.due_at,
    postgresql_where=text("status = 'publishing' AND woken_at IS NULL"),
    postgresql_include=_ACCOUNT,
)
Index(
    "publications_in_turn",
    publications.c.platform,
    publications.c.user_id,
    publications.c.step.is_(None),
    publications.c.id,
    publications.c.due_at,
    postgresql_where=text("status = 'publishing'"),
    postgresql_include=("connection_id", "step"),
)
Index(
    "publications_seen_to",
    publications.c.platform,
    publications.c.user_id,
    publications.c.step.is_(None),
    publications.c.id,
    postgresql_where=text("status = 'publishing' AND (cancel_requested OR visible)"),
)
Index(
    "publications_first_claimed",
    publications.c.connection_id,
    publications.c.first_claimed_at,
    postgresql_where=text("first_claimed_at IS NOT NULL"),
)
Index("publications_of_user", publications.c.user_id, publications.c.id)
Index("publications_changed", publications.c.user_id, publications.c.updated_at)

timeline = Table(
    "timeline",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("publication_id", Uuid, nullable=False),
    moment("at", now=True),
    Column("kind", String, nullable=False),
    Column("status", String, nullable=False),
    Column("step", String),
    Column("attempt", Integer, nullable=False),
    Column("detail", String),
    Column("trace_id", String, nullable=False),
)
Index("timeline_of_publication", timeline.c.publication_id, timeline.c.id)

connections = Table(
    "connections",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("account_id", String, nullable=False),
    Column("account_name", String, nullable=False),
    Column("status", String, nullable=False),
    Column("version", Integer, nullable=False),
    moment("rest_until", nullable=True),
)
Index("connections_of_user", connections.c.user_id, connections.c.platform)

plans = Table(
    "plans",
    metadata,
    Column("user_id", String, primary_key=True),
    Column("plan", String, nullable=False),
    moment("changed_at", now=True),
)

media = Table(
    "media",
    metadata,
    Column("key", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String),
    Column("etag", String),
    Column("duration", Float, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    moment("created_at", now=True),
)

pauses = Table(
    "pauses",
    metadata,
    Column("scope", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("paused_by", String, nullable=False),
    moment("created_at", now=True),
    Column("reason", String),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    moment("at", now=True),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("name", String, nullable=False),
    Column("reason", String),
    Column("trace_id", String, nullable=False),
)
Index("audit_of", audit.c.scope, audit.c.name, audit.c.at)
