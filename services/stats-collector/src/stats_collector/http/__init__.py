"""The read-only API for frontends."""
