"""Publisher's tables and queries."""
