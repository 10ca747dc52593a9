"""What stands in the tables and in the sandbox's journal."""

from typing import Any

from sqlalchemy import func, select, update

from common.db.unit_of_work import OUTBOX
from oauth_gateway.db.tables import credentials
from support.real_gateway import RealGateway


def asked_for_tokens(gateway: RealGateway) -> int:
    """How often any platform was asked for tokens."""
    steps = [one["step"] for one in gateway.sandbox.journal()]
    return sum(step in {"token", "refresh"} for step in steps)


async def kept(gateway: RealGateway, user: str) -> int:
    """How many credentials of this user are stored."""
    mine = select(func.count()).select_from(credentials).where(credentials.c.user_id == user)
    async with gateway.parts.engine.connect() as connection:
        return int((await connection.execute(mine)).scalar_one())


async def change(gateway: RealGateway, connection_id: str, **values: Any) -> None:
    """Make time pass, or damage something."""
    mine = credentials.c.connection_id == connection_id
    async with gateway.parts.engine.begin() as connection:
        await connection.execute(update(credentials).where(mine).values(**values))


async def stored(gateway: RealGateway, connection_id: str) -> Any:
    """One row, or None."""
    mine = credentials.c.connection_id == connection_id
    async with gateway.parts.engine.connect() as connection:
        return (await connection.execute(select(credentials).where(mine))).one_or_none()


async def facts(gateway: RealGateway, connection_id: str) -> list[dict[str, Any]]:
    """What was said about a connection, oldest first."""
    query = (
        select(OUTBOX.c.body)
        .where(OUTBOX.c.body["subject"].astext == connection_id)
        .order_by(OUTBOX.c.id)
    )
    async with gateway.parts.engine.connect() as connection:
        return [row.body for row in await connection.execute(query)]


def problem(answer: Any) -> tuple[int, str]:
    """How it was refused."""
    return answer.status_code, answer.json()["code"]
