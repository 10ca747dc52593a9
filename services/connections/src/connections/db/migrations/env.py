"""Alembic's entry: the shared environment over this service's tables."""

from common.db.migrate import run_environment
from connections.db.tables import METADATA

run_environment(METADATA)
