"""A gateway whose secret changes: its settings, its replicas, and its commands as processes."""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr
from sqlalchemy import select

from conformance.sandbox_process import Sandbox
from oauth_gateway.db.tables import credentials, key_id
from oauth_gateway.vault.keys import Keyring
from support.real_gateway import RealGateway, replica

Settings = dict[str, str]
Done = subprocess.CompletedProcess[str]


def new_secret() -> str:
    return secrets.token_hex(32)


def id_of(secret: str) -> str:
    return Keyring(SecretStr(secret)).current_id.hex()


def environment_of(settings: Settings) -> dict[str, str]:
    """What a process of ours finds; nothing of this one's own environment."""
    path = os.pathsep.join(one for one in sys.path if one)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, **settings}


def start(settings: Settings, *words: str) -> "subprocess.Popen[str]":
    """A process of its own; who starts it waits for it."""
    return subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
        [sys.executable, "-m", "oauth_gateway", *words],
        env=environment_of(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def command(settings: Settings, *words: str) -> Done:
    """The same, to its end."""
    with start(settings, *words) as process:
        try:
            out, err = process.communicate(timeout=90)
        finally:
            process.kill()
    return Done(process.args, process.returncode, out, err)


@dataclass(frozen=True, slots=True)
class Rotation:
    """A database and the secrets that come and go."""

    settings: Settings
    sandbox: Sandbox
    old: str = field(default_factory=new_secret, repr=False)
    new: str = field(default_factory=new_secret, repr=False)

    def under(self, current: str, *previous: str) -> Settings:
        """Settings with these secrets."""
        return {
            **self.settings,
            "PLATFORM_TOKEN_SECRET": current,
            "PLATFORM_TOKEN_SECRET_PREVIOUS": ",".join(previous),
        }

    @property
    def before(self) -> Settings:
        return self.under(self.old)

    @property
    def between(self) -> Settings:
        return self.under(self.new, self.old)

    @property
    def after(self) -> Settings:
        return self.under(self.new)

    @asynccontextmanager
    async def running(self, *settings: Settings) -> AsyncIterator[list[RealGateway]]:
        """A replica for each of these settings."""
        async with AsyncExitStack() as stack:
            found = []
            for one in settings:
                gateway = replica(one, self.sandbox)
                stack.push_async_callback(gateway.parts.aclose)
                stack.push_async_callback(gateway.client.aclose)
                found.append(gateway)
            yield found

    async def run(self, settings: Settings, *words: str) -> Done:
        return await asyncio.to_thread(command, settings, *words)


async def keys_of(gateway: RealGateway) -> dict[str, int]:
    """How many rows there are under each key, read from the rows themselves."""
    async with gateway.parts.engine.connect() as connection:
        found: dict[str, int] = {}
        for (key,) in await connection.execute(select(key_id).select_from(credentials)):
            found[key.hex()] = found.get(key.hex(), 0) + 1
        return found
