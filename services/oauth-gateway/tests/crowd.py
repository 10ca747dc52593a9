"""Run as a script: many processes of the gateway ask for one connection's token at once.

Each line it prints is what one of them got: a version and a digest of the token, or a refusal.
"""

import asyncio
import hashlib
import json
import multiprocessing
import sys
from multiprocessing.synchronize import Barrier
from uuid import UUID

from common.observe import logs
from oauth_gateway.app.lease_access_token import lease_access_token
from oauth_gateway.settings import GatewaySettings
from oauth_gateway.wiring import build
from platforms.errors import PlatformError


async def ask(connection_id: UUID, all_there: Barrier) -> str:
    parts = build(GatewaySettings())
    try:
        async with parts.ports.begin() as work:  # connected, so that they meet at the row
            await work.credentials.get(connection_id)
        all_there.wait(100)
        leased = await lease_access_token(connection_id, 1, parts.ports.by("publisher"))
    except PlatformError as refusal:
        return json.dumps({"refused": refusal.reason.value})
    finally:
        await parts.aclose()
    token = leased.access_token.get_secret_value().encode()
    return json.dumps({"version": leased.version, "token": hashlib.sha256(token).hexdigest()})


def one(connection_id: UUID, all_there: Barrier) -> None:
    sys.stdout.write(f"{asyncio.run(ask(connection_id, all_there))}\n")


def main() -> None:
    connection_id, count = UUID(sys.argv[1]), int(sys.argv[2])
    with_fork = multiprocessing.get_context("fork")
    all_there = with_fork.Barrier(count)
    crowd = [with_fork.Process(target=one, args=(connection_id, all_there)) for _ in range(count)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join()


if __name__ == "__main__":
    logs.configure("oauth-gateway", "crowd")
    main()
