"""Renew what is due ahead of time, a few at once; the lease keeps replicas off the same row."""

import asyncio
from uuid import UUID

from common.observe import logs
from oauth_gateway.app.ports import Ports
from oauth_gateway.app.refresh_token import refresh_token
from oauth_gateway.vault.box import UnknownKey, Unreadable
from platforms.errors import PlatformError

AT_ONCE = 5
log = logs.get(__name__)


async def refresh_due(ports: Ports) -> bool:
    """False when nothing was due."""
    async with ports.begin() as work:
        due = await work.credentials.due(AT_ONCE)
    await asyncio.gather(*(_refresh(*one, ports) for one in due))
    return bool(due)


async def _refresh(connection_id: UUID, version: int, ports: Ports) -> None:
    try:
        await refresh_token(connection_id, version, ports)
    except (PlatformError, Unreadable):
        return  # told already; a pause or the row's new status keeps it from coming back at once
    except UnknownKey as error:
        log.critical("token_key_missing", key_id=str(error))
