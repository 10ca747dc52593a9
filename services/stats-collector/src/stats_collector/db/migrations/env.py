"""Alembic's entry: this service's tables."""

from common.db.migrate import run_environment
from stats_collector.db.tables import METADATA

run_environment(METADATA)
