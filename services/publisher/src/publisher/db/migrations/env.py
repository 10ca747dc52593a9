"""Alembic's entry; the work is common's."""

from common.db.migrate import run_environment
from publisher.db.tables import metadata

run_environment(metadata)
