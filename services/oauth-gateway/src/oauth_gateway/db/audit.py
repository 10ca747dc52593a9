"""The trail: rows are added in the transaction of what they tell of, and never touched again."""

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.ids import new_id
from common.observe import trace
from oauth_gateway.db.tables import audit
from oauth_gateway.domain.audit import Action, Subject


async def add(connection: AsyncConnection, actor: str, action: Action, *about: Subject) -> None:
    """One row for each connection."""
    if not about:
        return
    trace_id = trace.current().trace_id
    await connection.execute(
        insert(audit),
        [
            {
                "id": new_id(),
                "actor": actor,
                "action": action,
                "connection_id": one.connection_id,
                "platform": one.platform,
                "trace_id": trace_id,
            }
            for one in about
        ],
    )
