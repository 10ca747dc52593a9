"""Fills the databases of publisher and stats-collector with very many rows, as SQL makes them.

Users publish by turns over 300 days, so a user's rows lie far apart. Most of them were published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

Link: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
USERS = 9_973
"""A prime, so that no user has one kind of publications only."""
BUSY = "busy"
"""A user with far more than others."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows. A user has `publications / users` of them, whatever the size."""

    publications: int
    users: int
    busy: int
    """Publications of the user BUSY, among the others."""
    posts: int
    """Posts with 100 samples each; ten times as many are looked at by nobody (Telegram)."""
    past: int
    """Rows of outbox, inbox and answers each."""


SMALL = Size(publications=1_000, users=5, busy=500, posts=10, past=1_000)
LARGE = Size(publications=1_000_000, users=USERS, busy=10_000, posts=10_000, past=200_000)
DUE = 100
"""What waits for a worker: the same number, however many rows there are."""

WORDS = """
CREATE OR REPLACE FUNCTION pg_temp.id_of(head text, n integer)
RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT CAST(head || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid) $$;
CREATE OR REPLACE FUNCTION pg_temp.aged(rows integer, oldest float, newest float)
RETURNS TABLE (n integer, at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT n, now() - interval '1 day' * (oldest + (newest - oldest) * n / rows)
    FROM generate_series(1, rows) AS n $$
"""
CONNECTIONS = """
INSERT INTO connections (id, user_id, platform, account_id, account_name, status, version)
SELECT pg_temp.id_of('0000000' || p, u), name, (ARRAY['vk','rutube','dzen','telegram'])[p + 1],
    CAST(u * 4 + p AS text), 'Anna', 'active', 1
FROM generate_series(0, CAST($1 AS integer)) AS u CROSS JOIN generate_series(0, 3) AS p
CROSS JOIN LATERAL (SELECT CASE WHEN u = $1 THEN 'busy' ELSE 'user-' || u END AS name) AS one
"""
PUBLICATIONS = """
INSERT INTO publications (id, user_id, clip_id, connection_id, platform, account_id, title,
    description, options, media, status, stage, schedule_at, due_at, woken_at, fence, failures,
    attempt, step, step_state, first_claimed_at, created_at, updated_at, published_at, post_id,
    url, views, likes, stats_at, stats_version, version, error_code, error_reason, traceparent,
    correlation_id)
SELECT CAST(left(ms, 8) || '-' || right(ms, 4) || '-7' || left(hash, 3) || '-8'
        || substr(hash, 4, 3) || '-' || right(hash, 12) AS uuid),
    c.user_id, 'clip-' || n, c.id, c.platform, c.account_id, 'A clip, the ' || n || 'th',
    repeat('What it is about. ', 10), '{"privacy": "all"}',
    '{"key": "u/somebody/0190/clip.mp4", "url": null, "name": "clip.mp4", "bytes": 48211377,
       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "etag": null,
       "duration": 31.4, "width": 1080, "height": 1920}',
    its, CASE its WHEN 'publishing' THEN 'waiting' END,
    CASE its WHEN 'scheduled' THEN later END,
    CASE WHEN its IN ('scheduled', 'publishing') THEN later END,
    CASE its WHEN 'publishing' THEN created END,
    CASE its WHEN 'scheduled' THEN 0 ELSE 1 END, CASE its WHEN 'publishing' THEN 1 ELSE 0 END,
    CASE its WHEN 'scheduled' THEN 0 ELSE 1 END,
    CASE its WHEN 'scheduled' THEN NULL ELSE 'processed' END,
    CASE its WHEN 'published' THEN 'done' ELSE 'ready' END,
    CASE its WHEN 'scheduled' THEN NULL ELSE created END, created, created,
    CASE its WHEN 'published' THEN created END, CASE its WHEN 'published' THEN '1_' || n END,
    CASE its WHEN 'published' THEN 'https://example.org/video-1_' || n END,
    CASE its WHEN 'published' THEN n % 5000 END, CASE its WHEN 'published' THEN n % 50 END,
    CASE its WHEN 'published' THEN created END, 7, 3,
    CASE its WHEN 'failed' THEN 'content_rejected' END,
    CASE its WHEN 'failed' THEN 'content_rejected' END,
    '00-' || hash || '-b7ad6b7169203331-01', hash
FROM generate_series(0, CAST($1 AS integer) - 1) AS n
CROSS JOIN LATERAL (SELECT now() - interval '300 days' * (1 - n / CAST($1 AS float)) AS created,
    now() + interval '1 hour' + n * interval '1 second' AS later, md5(CAST(n AS text)) AS hash,
    abs(hashint4(n)) % 1000 AS kind) AS one
CROSS JOIN LATERAL (SELECT lpad(to_hex(CAST(extract(epoch FROM created) * 1000 AS bigint)), 12, '0')
    AS ms, CASE WHEN kind < 875 THEN 'published' WHEN kind < 945 THEN 'scheduled'
    WHEN kind < 975 THEN 'failed' WHEN kind < 995 THEN 'cancelled' WHEN kind < 998 THEN 'publishing'
    ELSE 'uncertain' END AS its) AS two
JOIN connections AS c ON c.id = pg_temp.id_of('0000000' || n / 7 % 4,
    CASE WHEN n % CAST($3 AS integer) = 0 THEN CAST($2 AS integer) ELSE n % $2 END)
"""
WAITING = """
UPDATE publications SET status = 'publishing', stage = 'queued', due_at = now() - interval '1 s',
    woken_at = now(), fence = 0, step = NULL, step_state = 'ready', first_claimed_at = NULL,
    attempt = 0, failures = 0
WHERE id IN (SELECT id FROM publications WHERE status = 'published' AND user_id <> 'busy'
    ORDER BY id DESC LIMIT $1)
"""
TIMELINE = """
INSERT INTO timeline (publication_id, at, kind, status, step, attempt, detail, trace_id)
SELECT id, created_at + n * interval '1 second',
    (ARRAY['requested', 'claimed', 'step_done', 'step_done', 'published'])[n], 'publishing',
    CASE WHEN n > 2 THEN 'upload' END, 1, NULL, correlation_id
FROM publications CROSS JOIN generate_series(1, 5) AS n
"""
PAST = {
    "outbox": """
INSERT INTO outbox (id, routing_key, body, created_at, sent_at)
SELECT gen_random_uuid(), 'PublicationRequested.v1.vk',
    jsonb_build_object('type', 'PublicationRequested.v1', 'subject', n, 'data', repeat('a', 300)),
    at, at FROM pg_temp.aged($1, $2, $3)
""",
    "inbox": """
INSERT INTO inbox (consumer, message_id, seen_at)
SELECT 'publisher.stats/StatsCollected.v1', gen_random_uuid(), at FROM pg_temp.aged($1, $2, $3)
""",
    "answers": """
INSERT INTO answers (user_id, route, key, body_hash, status, answer, created_at)
SELECT 'user-' || n % 9973, 'POST /v1/publications', gen_random_uuid(), '\\x00', 202,
    jsonb_build_object('publications', repeat('a', 300)), at FROM pg_temp.aged($1, $2, $3)
""",
}
KEPT = (6.0, 0.0)
"""Days: what is not forgotten yet."""
OLD = (9.0, 8.0)
WATCHED = """
INSERT INTO connections (id, version)
SELECT pg_temp.id_of('00000000', u), 1 FROM generate_series(0, CAST($1 AS integer) / 10 - 1) AS u
"""
WATCHES = """
INSERT INTO watches (publication_id, user_id, connection_id, platform, account_id, post_id,
    published_at, until, unavailable, gone, round_at, next_at, failures, told, traceparent,
    correlation_id)
SELECT pg_temp.id_of(lpad(CAST(n % 10 AS text), 8, '0'), n), 'user-' || n / 100,
    pg_temp.id_of('00000000', n / 100), CASE WHEN told THEN 'vk' ELSE 'telegram' END, '1',
    '1_' || n, now() - interval '26 days', now() + interval '4 days',
    CASE WHEN NOT told THEN 'post_unknown' END, false, CASE WHEN told THEN due END,
    CASE WHEN told THEN due END, 0, 0, '', ''
FROM generate_series(0, CAST($1 AS integer) * 10 - 1) AS n
CROSS JOIN LATERAL (SELECT n % 10 = 0 AS told,
    now() + interval '1 hour' * CASE WHEN n < 100 THEN -1 ELSE 6 END AS due) AS one
"""
TAKEN = """
INSERT INTO samples (publication_id, at, source, views, likes, gone, views_growth)
SELECT publication_id, published_at + n * interval '6 hours', 'video.get', n * 10, n, false, 10
FROM generate_series(1, 100) AS n CROSS JOIN watches WHERE next_at IS NOT NULL
"""
FAST = "SET synchronous_commit = off; SET maintenance_work_mem = '256MB'"
"""Nothing that is measured runs in a session that fills."""


async def fill_publisher(url: str, size: Size) -> None:
    """`url` is that of the tables' owner."""
    link = await asyncpg.connect(url)
    try:
        await link.execute(FAST)
        await link.execute(WORDS)
        await link.execute(CONNECTIONS, size.users)
        indexes = await _without_indexes(link, "publications", "timeline")
        every = size.publications // size.busy
        await link.execute(PUBLICATIONS, size.publications, size.users, every)
        await link.execute(WAITING, DUE)
        await link.execute(TIMELINE)
        await _again(link, indexes)
        for table in PAST:
            await past(link, table, size.past, KEPT)
        await gather(link)
    finally:
        await link.close()


async def fill_stats(url: str, size: Size) -> None:
    """The same for stats-collector."""
    link = await asyncpg.connect(url)
    try:
        await link.execute(FAST)
        await link.execute(WORDS)
        await link.execute("ALTER TABLE samples DROP CONSTRAINT samples_publication_id_fkey")
        await link.execute(WATCHED, size.posts)
        await link.execute(WATCHES, size.posts)
        await link.execute(TAKEN)
        await link.execute(  # all at once, which is faster than row by row
            "ALTER TABLE samples ADD CONSTRAINT samples_publication_id_fkey"
            " FOREIGN KEY (publication_id) REFERENCES watches"
        )
        await gather(link)
    finally:
        await link.close()


async def gather(link: Link) -> None:
    """What autovacuum does in time."""
    await link.execute("VACUUM ANALYZE")


async def past(link: Link, table: str, rows: int, days: tuple[float, float]) -> None:
    """Add rows to one of the tables that every service has, so many days old."""
    await link.execute(WORDS)
    await link.execute(PAST[table], rows, *days)


async def _without_indexes(link: Link, *tables: str) -> list[str]:
    """Made again when the rows are there, they take half the time."""
    found = await link.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1)"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        tables,
    )
    for one in found:
        await link.execute(f'DROP INDEX "{one["indexname"]}"')
    return [one["indexdef"] for one in found]


async def _again(link: Link, indexes: Sequence[str]) -> None:
    for one in indexes:
        await link.execute(one)
