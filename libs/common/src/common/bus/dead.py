"""A service's dead letters, as a person works on them: look, replay, drop.

Nothing here needs more rights on the broker than the service's own user has.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelClosed, ChannelInvalidStateError
from pydantic import SecretStr

from common.bus.letter import Letter, read
from common.bus.publish import CONFIRM_SECONDS
from common.bus.run import ATTEMPT
from common.bus.subscription import Queue, retry_exchange

DEEPEST = 65_535
"""AMQP's largest prefetch: so many messages one look can hold."""
STILL_SECONDS = 2.0
"""A queue that is still for so long holds no more for us: somebody else looks at the rest."""
Tell = Callable[[Letter], None]


class Refused(Exception):
    """The broker is away, or will not do it. The text holds no address and no password."""


@asynccontextmanager
async def opened(url: SecretStr) -> AsyncIterator[AbstractConnection]:
    """A connection for the commands below. Raises Refused, also for what fails inside the block."""
    try:
        async with asyncio.timeout(CONFIRM_SECONDS):
            connection = await aio_pika.connect(url.get_secret_value())
    except (OSError, AMQPError) as error:
        raise Refused(f"RabbitMQ can't be reached ({type(error).__name__})") from error
    try:
        yield connection
    except (TimeoutError, AMQPError, ChannelInvalidStateError) as error:
        # The broker's own words name a queue or a right; other errors may hold a whole message.
        why = str(error) if isinstance(error, ChannelClosed) else type(error).__name__
        raise Refused(f"RabbitMQ did not do it: {why}") from error
    finally:
        with suppress(TimeoutError, AMQPError):
            async with asyncio.timeout(CONFIRM_SECONDS):
                await connection.close()


async def look(
    connection: AbstractConnection, queue: Queue, most: int = DEEPEST
) -> tuple[list[Letter], int]:
    """The oldest letters of a queue, and how many more there are. All stay there, in order."""
    letters: list[Letter] = []

    async def note(_channel: object, _message: object, letter: Letter) -> None:
        if len(letters) < most:
            letters.append(letter)

    waiting = await _each(connection, queue, note)
    return letters, max(0, waiting - len(letters))


async def replay(
    connection: AbstractConnection, queue: Queue, wanted: str | None, tell: Tell
) -> None:
    """Send letters (of one id, or all) to their queue again and take them out; tell of each.

    One whose body was not kept stays. Whoever dies between the confirm and the acknowledgement
    leaves a letter that was sent: sent again, its twin falls to the inbox or to the claim.
    """

    async def send(
        channel: AbstractChannel, message: AbstractIncomingMessage, letter: Letter
    ) -> None:
        if wanted not in {None, letter.message_id}:
            return
        if letter.body_kept:
            await _send_again(channel, queue, message)
            await message.ack()
        tell(letter)

    await _each(connection, queue, send)


async def drop(
    connection: AbstractConnection, queue: Queue, wanted: str | None, tell: Tell
) -> None:
    """Remove letters (of one id, or all) for good; tell of each."""

    async def remove(_channel: object, message: AbstractIncomingMessage, letter: Letter) -> None:
        if wanted in {None, letter.message_id}:
            await message.ack()
            tell(letter)

    await _each(connection, queue, remove)


async def _send_again(
    channel: AbstractChannel, queue: Queue, message: AbstractIncomingMessage
) -> None:
    """Confirmed and mandatory, with the same id; without the marks of its death."""
    exchange = await channel.get_exchange(retry_exchange(queue.service), ensure=False)
    again = aio_pika.Message(
        message.body,
        headers={ATTEMPT: 0},
        message_id=message.message_id,
        content_type=message.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    async with asyncio.timeout(CONFIRM_SECONDS):
        await exchange.publish(again, queue.name, mandatory=True)


Use = Callable[[AbstractChannel, AbstractIncomingMessage, Letter], Awaitable[None]]


async def _each(connection: AbstractConnection, queue: Queue, use: Use) -> int:
    """Hand what waits now to `use`, oldest first, and give back what it does not acknowledge.

    Two habits of quorum queues shape it. What `basic.get` took comes back mixed up, what a
    consumer held comes back in order. And what comes back lines up behind what came back before,
    so only holding all that waits keeps the order. What is buried meanwhile is not touched.
    The answer is how many were waiting.
    """
    async with asyncio.timeout(CONFIRM_SECONDS):
        channel = await connection.channel(on_return_raises=True)
        dead = await channel.declare_queue(queue.dead, passive=True)
        waiting = dead.declaration_result.message_count or 0
        if not waiting:
            return 0
        await channel.set_qos(min(waiting, DEEPEST))
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        tag = await dead.consume(arrived.put)
    try:
        with suppress(_Still):
            for _ in range(waiting):
                message = await _next(arrived)
                await use(channel, message, read(queue, message))
    finally:
        with suppress(ChannelInvalidStateError):  # a lost channel has given everything back
            async with asyncio.timeout(CONFIRM_SECONDS):
                await dead.cancel(tag)
                await _give_back(connection, channel)
    return waiting


class _Still(Exception):
    """Nothing came for a while."""


async def _next(arrived: asyncio.Queue[AbstractIncomingMessage]) -> AbstractIncomingMessage:
    try:
        async with asyncio.timeout(STILL_SECONDS):
            return await arrived.get()
    except TimeoutError:
        raise _Still from None


async def _give_back(connection: AbstractConnection, channel: AbstractChannel) -> None:
    """To the head of the queue, and where deliveries are limited, without using them up.

    Before 4.0 a dead queue has no delivery limit: then a nack puts messages last, and a channel
    that closes puts them first. Since 4.0 a queue has a limit of 20 unless it names another; a
    nack puts messages first then, and since 4.3 it is the only way back that is not counted.
    """
    if _limits_deliveries(connection):
        underlying = await channel.get_underlay_channel()
        await underlying.basic_nack(0, multiple=True, requeue=True)
    await channel.close()


def _limits_deliveries(connection: AbstractConnection) -> bool:
    if connection.transport is None:
        return False
    told = connection.transport.connection.server_properties.get("version")
    major = str(told).partition(".")[0]
    return major.isdigit() and int(major) >= 4
