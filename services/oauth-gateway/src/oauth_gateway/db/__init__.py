"""PostgreSQL for credentials, Redis for flows under way."""
