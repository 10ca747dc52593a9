"""Have a credential renewed by whoever comes first, and wait for the result."""

import asyncio
import random
import time

from oauth_gateway.app.ports import Ports
from oauth_gateway.app.refresh_token import refresh_token
from oauth_gateway.app.usable import usable
from oauth_gateway.domain.credential import Credential
from oauth_gateway.domain.refusals import Gone
from oauth_gateway.vault.box import Unreadable
from platforms.errors import AccessRevoked, Unavailable

PATIENCE_SECONDS = 20.0
"""Below the 30 s that our services wait for an internal answer."""
LOOK_SECONDS = 0.1


async def fresh_credential(credential: Credential, ports: Ports) -> Credential:
    """A later version of it. Raises Gone when it was refused for good, else PlatformError."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        try:
            await refresh_token(credential.connection_id, credential.version, ports)
        except (AccessRevoked, Unreadable):
            raise Gone from None
        present = await usable(credential.connection_id, ports)
        if present.version != credential.version:
            return present
        if present.paused:
            raise Unavailable(note="just tried")
        await asyncio.sleep(LOOK_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load
    raise Unavailable(note="still being renewed")
