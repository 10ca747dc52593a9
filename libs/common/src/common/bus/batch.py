"""Many messages written to the broker at once, each confirmed for itself.

aio-pika writes one message, waits until the socket took it, and goes on: three times the CPU of all
that PostgreSQL does for it. This speaks to the channel below it (aiormq), by the same book-keeping
as its `basic_publish`: a number and a future for each message, which the channel resolves.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from aiormq import Channel
from aiormq.abc import ChannelFrame
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.frame import marshal
from pamqp.header import ContentHeader

Confirmed = asyncio.Future[Any]
"""Raises PublishError for what reached no queue, and what closed the channel when it was closed."""


@lru_cache(maxsize=256)
def _address(number: int, exchange: str, routing_key: str, mandatory: bool) -> bytes:
    return marshal(Basic.Publish(0, exchange, routing_key, mandatory), number)


@dataclass(slots=True)
class Batch:
    """What will be written, in order."""

    channel: Channel
    _waiting: list[tuple[str, Confirmed]] = field(default_factory=list)
    _frames: list[bytes] = field(default_factory=list)
    _taken: Confirmed | None = None

    def add(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        properties: Mapping[str, Any],
        *,
        mandatory: bool,
    ) -> Confirmed:
        """One more. `properties` are those of AMQP, with a `message_id`."""
        number = self.channel.number
        header = ContentHeader(0, len(body), Basic.Properties(**properties))
        frames = [_address(number, exchange, routing_key, mandatory), marshal(header, number)]
        frames += (marshal(ContentBody(part), number) for part in self._parts(body))
        self._frames += frames  # all of a message or nothing, whatever can't be encoded
        confirmed: Confirmed = self.channel.create_future()
        self._waiting.append((properties["message_id"], confirmed))
        return confirmed

    async def write(self, turn: asyncio.Lock) -> None:
        """Hand all to the socket and wait until it took them. What can't be written is cancelled.

        Until the socket took this, nobody else gets the `turn`, even when we no longer wait: behind
        a broker that reads no more (frozen, or short of memory) one batch waits, not all there are.
        """
        try:
            await turn.acquire()
            try:
                async with self.channel.lock:
                    await self._write()
            finally:
                if self._taken is None or self._taken.done():
                    turn.release()
                else:
                    self._taken.add_done_callback(lambda _: turn.release())
        except BaseException:
            for _, confirmed in self._waiting:
                confirmed.cancel()
            raise

    def _parts(self, body: bytes) -> Iterator[bytes]:
        size = self.channel.max_content_size
        return (body[at : at + size] for at in range(0, len(body), size))

    async def _write(self) -> None:
        channel, taken = self.channel, self.channel.create_future()
        first = channel.delivery_tag + 1
        for tag, (message_id, confirmed) in enumerate(self._waiting, first):
            channel.confirmations[tag] = confirmed
            channel.message_id_delivery_tag[message_id] = tag
        channel.delivery_tag += len(self._waiting)
        try:
            await channel.write_queue.put(ChannelFrame(b"".join(self._frames), False, taken))
        except BaseException:
            # The broker has seen none of them and would count the next ones from here.
            taken.cancel()
            channel.delivery_tag = first - 1
            for tag, (message_id, _) in enumerate(self._waiting, first):
                channel.confirmations.pop(tag, None)
                _forget(channel, message_id, tag)
            raise
        for tag, (message_id, confirmed) in enumerate(self._waiting, first):
            confirmed.add_done_callback(partial(_forget, channel, message_id, tag))
        self._taken = taken
        await asyncio.wait((taken,))  # to stop waiting does not undo it


def _forget(channel: Channel, message_id: str, tag: int, _: Confirmed | None = None) -> None:
    """By its id the channel knows which one the broker gave back."""
    if channel.message_id_delivery_tag.get(message_id) == tag:
        del channel.message_id_delivery_tag[message_id]
