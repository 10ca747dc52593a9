"""The real applications of every service that people call; what is behind them is not given."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI

import connections.settings
import connections.wiring
import publisher.settings
import publisher.wiring
import stats_collector.settings
import stats_collector.wiring
from platforms.settings import PlatformUrls

SECRET = "9b1f4c7ae2d05836c4e8a1b39d7f6205"
NOWHERE: dict[str, Any] = {
    "database_url": "postgresql://nobody@127.0.0.1:1/none",
    "rabbitmq_url": "amqp://nobody:none@127.0.0.1:1/",
    "redis_url": "redis://127.0.0.1:1/0",
}


def _connections(values: Mapping[str, Any]) -> FastAPI:
    return connections.wiring.http_app(connections.settings.Settings(**values), PlatformUrls())


def _publisher(values: Mapping[str, Any]) -> FastAPI:
    return publisher.wiring.http_app(publisher.settings.PublisherSettings(**values))


def _stats_collector(values: Mapping[str, Any]) -> FastAPI:
    return stats_collector.wiring.http_app(stats_collector.settings.Settings(**values))


MAKERS: dict[str, tuple[Callable[[Mapping[str, Any]], FastAPI], str]] = {
    "connections": (_connections, "/v1/connections"),
    "publisher": (_publisher, "/v1/publications"),
    "stats-collector": (_stats_collector, "/v1/stats/summary"),
}
"""By service: its application, and something that people ask of it."""


def make(service: str, **settings: Any) -> FastAPI:
    """One application with these settings."""
    own = {"service_tokens": f"{service}={SECRET}", "media_link_secret": SECRET}
    return MAKERS[service][0](NOWHERE | own | settings)
