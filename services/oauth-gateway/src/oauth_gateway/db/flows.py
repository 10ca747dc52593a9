"""Flows under way in Redis: sealed, under a hash of their id, gone when read or after 5 minutes."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.contracts.words import Platform
from common.observe import logs
from oauth_gateway.domain.flow import LIFE, Consented, Flow
from oauth_gateway.domain.refusals import FlowsUnavailable
from oauth_gateway.vault.box import Box, UnknownKey, Unreadable
from oauth_gateway.vault.keys import Keyring

PURPOSE = "state"
STARTED = "oauth:state"
CONSENTED = "oauth:finish"
log = logs.get(__name__)


class RedisFlows:
    """app.ports.Flows. Who reads Redis learns neither ids nor codes nor verifiers."""

    def __init__(self, redis: "Redis", keyring: Keyring) -> None:
        self._redis = redis
        self._box = Box(keyring, PURPOSE)

    async def start(self, state: str, flow: Flow) -> None:
        """Keep a flow for five minutes."""
        await self._put(STARTED, state, _from_flow(flow))

    async def take_started(self, state: str) -> Flow | None:
        """The flow, which is then gone."""
        found = await self._take(STARTED, state)
        return _to_flow(found) if found else None

    async def consent(self, finish: str, consented: Consented) -> None:
        """Keep a code for five minutes."""
        content = {
            "flow": _from_flow(consented.flow),
            "code": consented.code.get_secret_value(),
            "state": consented.state,
            "device_id": consented.device_id,
        }
        await self._put(CONSENTED, finish, content)

    async def take_consented(self, finish: str) -> Consented | None:
        """The code and its flow, which are then gone."""
        found = await self._take(CONSENTED, finish)
        if found is None:
            return None
        return Consented(
            flow=_to_flow(found["flow"]),
            code=SecretStr(found["code"]),
            state=found["state"],
            device_id=found["device_id"],
        )

    async def _put(self, kind: str, secret: str, content: dict[str, Any]) -> None:
        key = _key(kind, secret)
        sealed = self._box.seal(json.dumps(content).encode(), key)
        async with _answering():
            await self._redis.set(key, base64.b64encode(sealed).decode(), ex=LIFE)

    async def _take(self, kind: str, secret: str) -> dict[str, Any] | None:
        key = _key(kind, secret)
        async with _answering():
            found = await self._redis.get(key)
        content = self._opened(found, key) if found is not None else None
        async with _answering():
            taken = await self._redis.getdel(key)  # of all who saw it, one has it
        return content if taken is not None else None

    def _opened(self, found: str | bytes, key: str) -> dict[str, Any] | None:
        """None for what is not ours: as good as never started. What another replica has the secret
        for is left to it."""
        try:
            content: dict[str, Any] = json.loads(self._box.open(base64.b64decode(found), key))
        except UnknownKey as error:
            log.critical("token_key_missing", key_id=str(error))
            raise FlowsUnavailable from None
        except (Unreadable, ValueError):
            return None
        return content


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError):
        raise FlowsUnavailable from None


def _key(kind: str, secret: str) -> str:
    return f"{kind}:{sha256(secret.encode()).hexdigest()}"


def _from_flow(flow: Flow) -> dict[str, Any]:
    return {
        "platform": flow.platform,
        "user_id": flow.user_id,
        "redirect_uri": flow.redirect_uri,
        "verifier": flow.verifier.get_secret_value(),
        "device_id": flow.device_id,
        "issuer": flow.issuer,
        "connection_id": str(flow.connection_id) if flow.connection_id else None,
        "proposal": str(flow.proposal),
        "return_to": flow.return_to,
    }


def _to_flow(found: dict[str, Any]) -> Flow:
    return Flow(
        platform=Platform(found["platform"]),
        user_id=found["user_id"],
        redirect_uri=found["redirect_uri"],
        verifier=SecretStr(found["verifier"]),
        device_id=found["device_id"],
        issuer=found["issuer"],
        connection_id=UUID(found["connection_id"]) if found["connection_id"] else None,
        proposal=UUID(found["proposal"]),
        return_to=found["return_to"],
    )
