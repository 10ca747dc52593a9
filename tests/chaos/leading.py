"""What has to go wrong so that somebody passes a failpoint that is off the usual way."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import aio_pika
import httpx

from chaos import evidence
from chaos.book import Book
from chaos.plan import PLATFORMS
from chaos.supervisor import Supervisor
from chaos.system import System
from localrun.person import Person, Refused

SENDING = {"vk": "upload", "rutube": "create", "dzen": "publish", "telegram": "sendVideo"}
"""The steps that people will see."""
FIRST = {"vk": "video.save", "dzen": "upload"}
"""Steps before those; a cancel during one has something to undo."""
SLOW_SECONDS = 3.0
"""Longer than a third of a lease, so that it is renewed meanwhile."""
HEARD = ("PublicationRequested.v1.vk", "PublicationRequested.v1.dzen", "PublicationPublished.v1")


class Leading:
    """Orders one more of it; `accounts` are the account ids that people have on a platform."""

    def __init__(
        self,
        system: System,
        supervisor: Supervisor,
        accounts: Callable[[str], Sequence[str]],
        book: Book,
        *,
        seed: int,
    ) -> None:
        self._system = system
        self._supervisor = supervisor
        self._accounts = accounts
        self._book = book
        self._random = random.Random(seed)

    async def to(self, point: str, platforms: Sequence[str] = PLATFORMS) -> None:
        """Do nothing for a point that is passed anyway."""
        match point:
            case "publisher.looked":
                await self._fail(SENDING, platforms, "drop_after")
            case "publisher.renewing":
                await self._fail(SENDING, platforms, "slow", SLOW_SECONDS)
            case "publisher.undone":
                await self._fail(FIRST, platforms, "slow", SLOW_SECONDS)
                await self._call_off([one for one in platforms if one in FIRST])
            case "bus.retrying" | "bus.retried":
                self._supervisor.arm("bus.reacted", "raise")
            case "bus.burying":
                await self.poison(HEARD[-1])
            case "oauth-gateway.refreshing" | "oauth-gateway.refreshed" | "oauth-gateway.stored":
                # One that is sure to be used soon, and not all: without tokens nothing goes on.
                await self._expire("vk", self._accounts("vk")[-1])
                await self._expire("dzen", self._accounts("dzen")[-1])

    async def expire(self, platform: str) -> None:
        """Let somebody's access token die of age."""
        await self._expire(platform, self._random.choice(self._accounts(platform)))

    async def _expire(self, platform: str, account: str) -> None:
        await asyncio.to_thread(self._system.sandbox.expire, platform, account)

    async def poison(self, key: str | None = None) -> None:
        """Publish a message that nobody can read."""
        link = await aio_pika.connect(self._system.amqp, timeout=5)
        async with link:
            channel = await link.channel()
            exchange = await channel.get_exchange("publisher.events")
            name = f"poison-{datetime.now(UTC)}"
            body = aio_pika.Message(b'{"not": "an envelope"', message_id=name)
            await exchange.publish(body, routing_key=key or self._random.choice(HEARD))

    async def _call_off(self, platforms: Sequence[str]) -> None:
        """Cancel something that is at work, but that nobody can see yet, in its user's name."""
        deadline = time.monotonic() + SLOW_SECONDS
        while time.monotonic() < deadline:
            if begun := await evidence.begun(self._system, platforms):
                await asyncio.to_thread(self._cancel, *self._random.choice(begun))
                return
            await asyncio.sleep(0.1)

    def _cancel(self, publication_id: str, user: str) -> None:
        person = Person(self._system.stack.urls, self._system.token(user))
        path = f"/v1/publications/{publication_id}/cancel"
        try:
            answer = person.ask(
                "publisher", "POST", path, headers={"Idempotency-Key": str(uuid4())}
            )
            self._book.cancel(publication_id, answer["verdict"])
        except (Refused, httpx.TransportError, ValueError) as error:
            self._book.note(f"led to a cancel: {type(error).__name__}")
        finally:
            person.close()

    async def _fail(
        self,
        steps: dict[str, str],
        platforms: Sequence[str],
        kind: str,
        seconds: float | None = None,
    ) -> None:
        for platform in platforms:
            if step := steps.get(platform):
                order = self._system.sandbox.fail
                await asyncio.to_thread(order, platform, step, kind, seconds)
