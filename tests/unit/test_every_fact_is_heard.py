"""What is meant for us has a queue somewhere, and only that: an unheard fact would never leave the
outbox, because reaching no queue is an error."""

import connections.bus.subscriptions
import oauth_gateway.bus.subscriptions
import publisher.bus.subscriptions
import stats_collector.bus.subscriptions
from common.contracts.catalogue import EVENTS

SERVICES = (connections, oauth_gateway, publisher, stats_collector)


def test_every_fact_for_us_is_subscribed_to_by_a_service() -> None:
    heard = {one.event for service in SERVICES for one in service.bus.subscriptions.SUBSCRIPTIONS}
    assert heard == {event for event in EVENTS if event.for_us}
