"""What real processes of publisher run on: a bus of their own, and platforms that we play."""

from typing import Any

import aio_pika
from pydantic import SecretStr

from common.bus import topology
from common.bus.subscription import exchange, queues
from publisher.bus.subscriptions import SUBSCRIPTIONS
from publisher.settings import PublisherSettings
from support.servers import NewVhost, as_service


async def new_bus(new_vhost: NewVhost) -> str:
    """A vhost with publisher's exchanges and queues, and one queue that hears all it tells."""
    url = new_vhost()
    rungs = PublisherSettings.model_fields["bus_retry_delays"].default
    await topology.declare(SecretStr(url), "publisher", queues("publisher", SUBSCRIPTIONS, rungs))
    async with await aio_pika.connect(url) as connection:
        heard = await (await connection.channel()).declare_queue("heard", durable=True)
        await heard.bind(exchange("publisher"), "#")
    return url


def process_settings(values: dict[str, Any], bus_url: str, platforms_url: str) -> dict[str, str]:
    """Nobody has to wait for a turn at Telegram."""
    return {
        **{name.upper(): str(value) for name, value in values.items()},
        "RABBITMQ_URL": as_service(bus_url, "publisher"),
        "OAUTH_GATEWAY_URL": platforms_url,
        "TELEGRAM_API_URL": platforms_url,
        "PACE_TELEGRAM": "50",
    }
