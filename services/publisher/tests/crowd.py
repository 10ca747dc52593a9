"""Very many rows at once, as SQL makes them: users, an account each, and their publications."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_ACCOUNTS = """
INSERT INTO connections (id, user_id, platform, account_id, account_name, status, version)
SELECT CAST('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid),
    'user-' || lpad(CAST(n AS text), 6, '0'), 'vk', CAST(n AS text), 'Anna', 'active', 1
FROM generate_series(0, CAST(:many AS integer) - 1) AS n
"""
_PUBLICATIONS = """
INSERT INTO publications (id, user_id, clip_id, connection_id, platform, account_id, title,
    description, options, media, status, stage, schedule_at, due_at, woken_at, traceparent,
    correlation_id)
SELECT CAST(substr(mark, 1, 8) || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid),
    c.user_id, mark || n, c.id, c.platform, c.account_id, 'Title', 'Text', '{}',
    '{"key": "u/somebody/1/clip.mp4"}', CAST(:status AS varchar),
    CASE WHEN CAST(:status AS varchar) = 'publishing' THEN 'queued' END, due, due,
    CASE WHEN :called THEN now() END,
    '00-' || md5(mark || n) || '-b7ad6b7169203331-01', md5(mark || n)
FROM generate_series(0, CAST(:many AS integer) - 1) AS n
CROSS JOIN LATERAL (SELECT md5(CAST(:kind AS text)) AS mark) AS one
CROSS JOIN LATERAL (SELECT now() + CAST(:ahead AS interval) + n * CAST(:apart AS interval) AS due)
    AS time
JOIN connections AS c ON c.id = CAST(
    '00000000-0000-7000-8000-' || lpad(to_hex(n * :accounts / :many), 12, '0') AS uuid)
"""


class Crowd:
    """`accounts` users with one account each, in a database of nobody else."""

    def __init__(self, db: AsyncEngine, accounts: int) -> None:
        self._db = db
        self._accounts = accounts

    async def connect(self) -> None:
        """Make the accounts."""
        await self._run(_ACCOUNTS, many=self._accounts)

    async def publications(
        self,
        kind: str,
        many: int,
        *,
        status: str = "scheduled",
        ahead: timedelta = timedelta(),
        apart: timedelta = timedelta(),
        called: bool = False,
    ) -> None:
        """So many of them, spread over the accounts. `kind` must be another each time; the first
        is due in `ahead`, each of the others `apart` after the one before."""
        await self._run(
            _PUBLICATIONS,
            kind=kind,
            many=many,
            accounts=self._accounts,
            status=status,
            ahead=ahead,
            apart=apart,
            called=called,
        )

    async def _run(self, statement: str, **values: Any) -> None:
        async with self._db.begin() as connection:
            await connection.execute(text(statement), values)
