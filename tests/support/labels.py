"""Every label of our metrics and all the values it may have: a few, and never an id."""

import re

from common.contracts.words import Platform
from common.observe import metrics
from connections.bus import subscriptions as connections
from oauth_gateway.bus import subscriptions as oauth_gateway
from publisher.bus import subscriptions as publisher
from stats_collector.bus import subscriptions as stats_collector

Sample = tuple[str, frozenset[tuple[str, str]]]
Scrape = dict[Sample, float]
OF_LIBRARIES = ("python_", "process_")
QUEUES = {
    f"{service}.{one.purpose}"
    for service, subscriptions in (
        ("connections", connections.SUBSCRIPTIONS),
        ("oauth-gateway", oauth_gateway.SUBSCRIPTIONS),
        ("publisher", publisher.SUBSCRIPTIONS),
        ("stats-collector", stats_collector.SUBSCRIPTIONS),
    )
    for one in subscriptions
}
CLOSED: dict[str, set[str]] = {
    "platform": set(Platform),
    "status": {"scheduled", "publishing", "uncertain"},
    "queue": QUEUES,
    "state": {"ready", "waiting", "dead"},
    "scope": {"platform", "connection", "user"},
    "publications_total.result": {
        *("published", "cancelled", "uncertain"),
        *(f"failed_{code}" for code in metrics.FAILURES),
    },
    "token_refreshes_total.result": {"success", "refused", "unavailable"},
    "stats_samples_total.result": {"ok", "gone", "failed"},
    "messages_total.result": set(metrics.HANDLED),
    "platform_calls_total.result": set(metrics.CALLS),
    "pauses.by": {"burst", "operator"},
    "pace_wait_seconds.by": set(metrics.PACES),
    "pace_refusals_total.by": {*metrics.PACES, metrics.DAY},
}
"""Every label there is, of all metrics or of one, and all its values."""


def strange(scrape: Scrape) -> list[tuple[str, str, str]]:
    """Labels and values of ours that are not in their closed set."""
    return [
        (name, label, value)
        for name, labels in scrape
        if not name.startswith(OF_LIBRARIES)
        for label, value in labels
        if not _known(re.sub("_(bucket|sum|count)$", "", name), label, value)
    ]


def _known(metric: str, label: str, value: str) -> bool:
    if label == "le":
        return float(value) >= 0
    return value in CLOSED.get(f"{metric}.{label}", CLOSED.get(label, set()))
