"""Why something is paused, who paused and resumed it, when a publication was first in hand, and
indexes in which what is paused is passed over."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ACCOUNT = ["id", "connection_id", "user_id"]
DUE = {
    "publications_scheduled": "status = 'scheduled'",
    "publications_uncalled": "status = 'publishing' AND woken_at IS NULL",
}
TURN = ["platform", "user_id", sa.text("(step IS NULL)"), "id", "due_at"]


def upgrade() -> None:
    """Only additions, and wider indexes: an older build works on it.

    What it claims counts for no burst.
    """
    op.add_column("pauses", sa.Column("reason", sa.String))
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("trace_id", sa.String, nullable=False),
    )
    op.create_index("audit_of", "audit", ["scope", "name", "at"])
    op.add_column("publications", sa.Column("first_claimed_at", sa.DateTime(timezone=True)))
    op.create_index(
        "publications_first_claimed",
        "publications",
        ["connection_id", "first_claimed_at"],
        postgresql_where=sa.text("first_claimed_at IS NOT NULL"),
    )
    for name, which in DUE.items():
        _anew(name, ["platform", "due_at"], which, ACCOUNT)
    _anew("publications_in_turn", TURN, "status = 'publishing'", ["connection_id", "step"])
    op.create_index(
        "publications_seen_to",
        "publications",
        ["platform", "user_id"],
        postgresql_where=sa.text("status = 'publishing' AND (cancel_requested OR visible)"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("publications_seen_to", "publications")
    for name, which in DUE.items():
        _anew(name, ["due_at"], which)
    _anew("publications_in_turn", TURN, "status = 'publishing'")
    op.drop_index("publications_first_claimed", "publications")
    op.drop_column("publications", "first_claimed_at")
    op.drop_table("audit")
    op.drop_column("pauses", "reason")


def _anew(name: str, columns: Sequence[Any], which: str, include: Sequence[str] = ()) -> None:
    op.drop_index(name, "publications")
    op.create_index(
        name,
        "publications",
        columns,
        postgresql_where=sa.text(which),
        postgresql_include=include,
    )
