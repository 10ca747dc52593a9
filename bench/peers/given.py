"""What every peer is given: where its servers are, the tables and the statements.

bullmq.mjs says the statements once more.
"""

import os

QUEUE = "publish"
AT_ONCE = 50
"""Jobs that one process has in hand at once, where it can have more than one."""
ROWS = 16
"""Connections of one process to PostgreSQL."""
BUS, DATABASE, PLATFORM = (os.environ.get(name, "") for name in ("BUS", "DATABASE", "PLATFORM"))
CLIP = b"\0" * 1024

TABLES = """
CREATE TABLE jobs (
    id bigint PRIMARY KEY, title text NOT NULL, description text NOT NULL, token text NOT NULL,
    status text NOT NULL DEFAULT 'publishing', step text, cursor jsonb, post_id text,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz, published_at timestamptz
);
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, routing_key text NOT NULL,
    body jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
)
"""
READ = "SELECT title, description, token FROM jobs WHERE id = $1"
STEP = """
UPDATE jobs SET step = $2, cursor = $3::jsonb, updated_at = clock_timestamp() WHERE id = $1
"""
DONE = """
WITH done AS (
    UPDATE jobs SET status = 'published', post_id = $2, published_at = clock_timestamp()
    WHERE id = $1 RETURNING id
)
INSERT INTO outbox (routing_key, body) SELECT 'published', $3::jsonb FROM done
"""
