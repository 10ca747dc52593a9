"""The ways into each application, all of them: what is not listed here is not served (S5)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

import connections.wiring
import oauth_gateway.wiring
import publisher.wiring
import stats_collector.wiring
from connections.settings import Settings as ConnectionsSettings
from localrun.credentials import Credentials
from localrun.environment import environment
from localrun.plan import SERVICES
from oauth_gateway.settings import GatewaySettings
from platforms.settings import PlatformUrls
from publisher.settings import PublisherSettings
from stats_collector.settings import Settings as StatsSettings
from support.nowhere import places

HEALTH = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
DOCS = {
    (method, path)
    for method in ("GET", "HEAD")
    for path in ("/docs", "/docs/oauth2-redirect", "/openapi.json")
}
LINKS = "/v1/connections"
POSTS = "/v1/publications"
CREDENTIAL = "/internal/v1/credentials/{connection_id}"
ROUTES = {
    "connections": {
        ("GET", "/v1/platforms"),
        ("GET", LINKS),
        ("POST", LINKS),
        ("GET", LINKS + "/{connection_id}"),
        ("DELETE", LINKS + "/{connection_id}"),
        ("POST", LINKS + "/{connection_id}/test"),
        ("POST", LINKS + "/{platform}/authorize"),
        ("POST", LINKS + "/finish"),
    },
    "oauth-gateway": {
        ("GET", "/api/oauth/{platform}/callback"),
        ("POST", "/internal/v1/flows"),
        ("POST", "/internal/v1/flows/{finish}/finish"),
        ("PUT", CREDENTIAL),
        ("POST", CREDENTIAL + "/check"),
        ("POST", CREDENTIAL + "/access-token"),
    },
    "publisher": {
        ("PUT", "/v1/media/{name}"),
        ("GET", "/v1/files/{publication_id}"),
        ("HEAD", "/v1/files/{publication_id}"),
        ("GET", POSTS),
        ("POST", POSTS),
        ("POST", POSTS + "/validate"),
        ("GET", POSTS + "/stream"),
        ("GET", POSTS + "/{publication_id}"),
        ("PATCH", POSTS + "/{publication_id}"),
        ("GET", POSTS + "/{publication_id}/timeline"),
        ("POST", POSTS + "/{publication_id}/cancel"),
        ("POST", POSTS + "/{publication_id}/retry"),
        ("POST", POSTS + "/{publication_id}/resolve"),
        ("GET", "/v1/pauses"),
        ("POST", "/v1/pauses"),
        ("DELETE", "/v1/pauses"),
    },
    "stats-collector": {
        ("GET", "/v1/stats/summary"),
        ("GET", "/v1/stats/export.csv"),
        ("GET", "/v1/stats/publications/{publication_id}"),
    },
}


def _gateway() -> FastAPI:
    settings = GatewaySettings()
    return oauth_gateway.wiring.create_gateway(settings, oauth_gateway.wiring.build(settings))


APPS: dict[str, Callable[[], FastAPI]] = {
    "connections": lambda: connections.wiring.http_app(ConnectionsSettings(), PlatformUrls()),
    "oauth-gateway": _gateway,
    "publisher": lambda: publisher.wiring.http_app(PublisherSettings()),
    "stats-collector": lambda: stats_collector.wiring.http_app(StatsSettings()),
}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A service whose settings are in the environment; nothing is there to be asked."""
    name: str = request.param
    for variable, value in environment(name, places(tmp_path), Credentials()).items():
        monkeypatch.setenv(variable, value)
    return name


def _routes(app: FastAPI) -> set[tuple[str, str]]:
    """Those included that no document tells of."""
    return {
        (method, str(route.path))
        for route in iter_route_contexts(app.routes)
        for method in route.methods or {"*"}
    }


def test_s5_a_service_has_these_routes_and_no_other(service: str) -> None:
    """So none that would publish what somebody posts, as a page about the bus has."""
    assert _routes(APPS[service]()) == ROUTES[service] | HEALTH | DOCS


def test_s5_a_closed_service_shows_no_document_and_no_figures(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPOSE_DOCS", "0")
    monkeypatch.setenv("METRICS_PORT", "9000")
    assert _routes(APPS[service]()) == ROUTES[service] | HEALTH - {("GET", "/metrics")}
