"""The real worker: erases what was disconnected, renews what is due, and tells it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aio_pika
import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from common.bus.publish import broker, publish
from common.bus.subscription import exchange
from common.contracts.connections import PlatformDisconnected
from common.contracts.envelope import Envelope
from common.contracts.oauth import TokenRefreshed
from common.contracts.words import Platform
from common.db.unit_of_work import INBOX
from common.ids import new_id
from oauth_gateway.db.tables import credentials
from oauth_gateway.wiring import NAME
from support.processes import process, task
from support.real_gateway import RealGateway
from support.waiting import eventually

pytestmark = pytest.mark.anyio
Disconnect = Callable[[dict[str, Any]], Awaitable[UUID]]


@pytest.fixture(scope="module", autouse=True)
def worker(settings: dict[str, str]) -> Iterator[None]:
    task("oauth_gateway", "topology", settings)
    with process("oauth_gateway", "worker", settings=settings):
        yield


@pytest.fixture
async def disconnect(settings: dict[str, str]) -> AsyncIterator[Disconnect]:
    """Tell, as connections does, that a connect was removed; the message's id."""
    bus = broker(SecretStr(settings["RABBITMQ_URL"]), "connections")
    await bus.start()

    async def tell(linked: dict[str, Any]) -> UUID:
        event = PlatformDisconnected(
            connection_id=linked["connection_id"],
            user_id="u",
            platform=Platform(linked["platform"]),
            grant_number=linked["grant_number"],
        )
        envelope = Envelope(
            id=new_id(),
            source=event.source,
            type=event.type,
            subject=event.subject,
            time=datetime.now(UTC),
            data=event.model_dump(mode="json"),
            aggregateversion=1,
        )
        await publish(
            bus,
            "connections.events",
            event.routing_key,
            envelope.model_dump_json().encode(),
            message_id=str(envelope.id),
        )
        return envelope.id

    yield tell
    await bus.stop()


async def stored(gateway: RealGateway, connection_id: str) -> Any:
    query = select(credentials).where(credentials.c.connection_id == connection_id)
    async with gateway.parts.engine.connect() as connection:
        return (await connection.execute(query)).one_or_none()


async def erased(gateway: RealGateway, linked: dict[str, Any]) -> None:
    async def gone() -> bool:
        return await stored(gateway, linked["connection_id"]) is None

    await eventually(gone)
    assert (await gateway.lease(linked["connection_id"])).status_code == 410


async def handled(gateway: RealGateway, message_id: UUID) -> None:
    async def seen() -> bool:
        query = select(INBOX.c.message_id).where(INBOX.c.message_id == message_id)
        async with gateway.parts.engine.connect() as connection:
            return (await connection.execute(query)).first() is not None

    await eventually(seen)


async def test_a_vk_account_is_given_back_and_erased(
    gateway: RealGateway, user: str, disconnect: Disconnect
) -> None:
    gateway.sandbox.consent(mode="allow", account=str(gateway.sandbox.account("vk")["user_id"]))
    linked = await gateway.connect(user)
    await disconnect(linked)
    await erased(gateway, linked)
    assert gateway.seen("vkid", "revoke") == 1


async def test_a_yandex_token_is_given_back_and_erased(
    gateway: RealGateway, user: str, disconnect: Disconnect
) -> None:
    linked = await gateway.connect(user, "dzen")
    await disconnect(linked)
    await erased(gateway, linked)
    revoked = [one for one in gateway.sandbox.journal() if one["step"] == "revoke"]
    assert [one["answer"]["status"] for one in revoked] == [200]


async def test_a_platform_that_is_down_delays_only_the_giving_back(
    gateway: RealGateway, user: str, disconnect: Disconnect
) -> None:
    gateway.sandbox.consent(mode="allow", account=str(gateway.sandbox.account("vk")["user_id"]))
    linked = await gateway.connect(user)
    gateway.sandbox.fail("vkid", "revoke", "error_503")
    await disconnect(linked)

    async def tried() -> bool:
        row = await stored(gateway, linked["connection_id"])
        return row is not None and row.erase_tries == 1

    await eventually(tried)
    assert (await gateway.lease(linked["connection_id"])).status_code == 410
    async with gateway.parts.engine.begin() as connection:
        await connection.execute(update(credentials).values(erase_at=datetime.now(UTC)))
    await erased(gateway, linked)


async def test_an_account_that_somebody_else_uses_is_not_given_back(
    gateway: RealGateway, user: str, disconnect: Disconnect
) -> None:
    mine, theirs = await gateway.connect(user), await gateway.connect(f"{user}-too")
    await disconnect(mine)
    await erased(gateway, mine)
    assert gateway.seen("vkid", "revoke") == 0
    assert (await gateway.check(theirs["connection_id"]))["result"] == "ok"


async def test_a_reconnect_that_overtakes_the_event_is_not_erased(
    gateway: RealGateway, user: str, disconnect: Disconnect
) -> None:
    removed = await gateway.connect(user)
    again = await gateway.connect(user)
    assert again["connection_id"] == removed["connection_id"]
    await handled(gateway, await disconnect(removed))
    assert (await gateway.lease(again["connection_id"])).status_code == 200


async def test_a_disconnect_heard_twice_is_one(
    gateway: RealGateway, user: str, disconnect: Disconnect
) -> None:
    linked = await gateway.connect(user, "dzen")
    await disconnect(linked)
    await erased(gateway, linked)
    await handled(gateway, await disconnect(linked))


async def test_a_token_is_renewed_ahead_of_time_and_that_is_told(
    gateway: RealGateway, user: str, settings: dict[str, str]
) -> None:
    linked = await gateway.connect(user)
    async with await aio_pika.connect(settings["RABBITMQ_URL"]) as link:
        channel = await link.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange(NAME), TokenRefreshed.type)
        async with gateway.parts.engine.begin() as connection:
            await connection.execute(
                update(credentials)
                .where(credentials.c.connection_id == linked["connection_id"])
                .values(refresh_at=datetime.now(UTC))
            )

        async def told() -> aio_pika.abc.AbstractIncomingMessage | None:
            return await queue.get(fail=False, no_ack=True)

        message = await eventually(told)
    assert message is not None
    envelope = Envelope.model_validate_json(message.body)
    assert envelope.subject == linked["connection_id"]
    assert set(envelope.data) == {"connection_id", "platform", "expires_at"}
    assert (await gateway.lease(linked["connection_id"])).json()["version"] == 2
