"""PostgreSQL: connections, transactions, the outbox and the inbox."""
