"""Alembic's entry; the work is common's."""

from common.db.migrate import run_environment
from oauth_gateway.db.tables import metadata

run_environment(metadata)
