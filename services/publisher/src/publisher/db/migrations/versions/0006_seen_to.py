"""The few that are seen to even while paused, in the order of turns: so the planner has no reason
to look for them among all the others, whatever it knows of a table that was quiet just now."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEX = "publications_seen_to"
USERS = ["platform", "user_id"]
TURN: Sequence[Any] = [*USERS, sa.text("(step IS NULL)"), "id"]
WHICH = sa.text("status = 'publishing' AND (cancel_requested OR visible)")


def upgrade() -> None:
    """Another index only: an older build works on it."""
    op.drop_index(INDEX, "publications")
    op.create_index(INDEX, "publications", TURN, postgresql_where=WHICH)


def downgrade() -> None:
    """Undo."""
    op.drop_index(INDEX, "publications")
    op.create_index(INDEX, "publications", USERS, postgresql_where=WHICH)
