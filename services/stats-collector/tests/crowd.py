"""Very many posts and samples at once, as SQL makes them."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_WATCHES = """
WITH made AS (
    INSERT INTO watches (publication_id, user_id, connection_id, platform, account_id, post_id,
        published_at, until, gone, round_at, next_at, failures, told, traceparent, correlation_id)
    SELECT gen_random_uuid(), CAST(:kind AS text) || n / :posts,
        CAST(md5(CAST(:kind AS text) || n / :posts) AS uuid), 'vk', '1', '1_' || n,
        now() - interval '20 days', now() + interval '10 days', false, due, due, 0, 0, '', ''
    FROM generate_series(0, CAST(:users AS integer) * CAST(:posts AS integer) - 1) AS n
    CROSS JOIN LATERAL (SELECT now() + CAST(:ahead AS interval) AS due) AS time
    RETURNING connection_id
)
INSERT INTO connections (id, version) SELECT DISTINCT connection_id, 1 FROM made
"""
_SAMPLES = """
INSERT INTO samples (publication_id, at, source, views, gone, views_growth)
SELECT publication_id, published_at + n * interval '3 hours', 'video.get', n, false, 1
FROM generate_series(1, CAST(:samples AS integer)) AS n
CROSS JOIN watches WHERE user_id LIKE CAST(:kind AS text) || '%'
"""


_ENDED = """
INSERT INTO watches (publication_id, user_id, connection_id, platform, account_id, post_id,
    published_at, until, gone, failures, told, traceparent, correlation_id)
SELECT gen_random_uuid(), 'ended', connection_id, 'vk', '1', '1_' || n,
    now() - interval '90 days', now() - interval '60 days', false, 0, 0, '', ''
FROM generate_series(1, CAST(:posts AS integer)) AS n
CROSS JOIN (SELECT DISTINCT connection_id FROM watches WHERE user_id = :user) AS one
"""
_KEY = "samples_publication_id_fkey"


class Crowd:
    """Fills the database of an owner, who may check the foreign key once for all rows."""

    def __init__(self, db: AsyncEngine) -> None:
        self._db = db

    async def add(
        self, kind: str, *, users: int, posts: int, samples: int, ahead: timedelta
    ) -> None:
        """Users called kind0, kind1 …; their posts are looked at again in `ahead`."""
        async with self._db.begin() as connection:
            await connection.execute(text(f"ALTER TABLE samples DROP CONSTRAINT {_KEY}"))
            values = {"kind": kind, "users": users, "posts": posts, "ahead": ahead}
            await connection.execute(text(_WATCHES), values)
            await connection.execute(text(_SAMPLES), {"kind": kind, "samples": samples})
            await connection.execute(
                text(
                    f"ALTER TABLE samples ADD CONSTRAINT {_KEY}"
                    " FOREIGN KEY (publication_id) REFERENCES watches"
                )
            )

    async def ended(self, user: str, *, posts: int) -> None:
        """So many old posts of the user's account, which nobody looks at any more."""
        async with self._db.begin() as connection:
            await connection.execute(text(_ENDED), {"user": user, "posts": posts})
