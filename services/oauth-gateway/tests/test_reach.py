"""How far a token gets: an access token to those who need it, and a refresh token nowhere (V6)."""

from importlib import import_module
from typing import Any

import pytest

from oauth_gateway.settings import GatewaySettings
from support.real_gateway import RealGateway

pytestmark = pytest.mark.anyio
OTHERS = {
    "connections": "Settings",
    "publisher": "PublisherSettings",
    "stats_collector": "Settings",
}
SECRETS = {"platform_token_secret", "platform_token_secret_previous"}


async def test_v6_no_answer_has_a_place_for_a_refresh_token(gateway: RealGateway) -> None:
    document = (await gateway.client.get("/openapi.json")).json()
    fields = set(names(document["components"]["schemas"]))
    assert "access_token" in fields
    assert not {one for one in fields if "refresh" in one}


def names(schemas: dict[str, Any]) -> list[str]:
    """Every field of every body, but what a refused lease names: a version."""
    found = [name for schema in schemas.values() for name in schema.get("properties", {})]
    return [name for name in found if name != "refused_version"]


async def test_v6_an_access_token_stands_in_one_answer_only(gateway: RealGateway) -> None:
    document = (await gateway.client.get("/openapi.json")).json()
    holders = [
        name
        for name, schema in document["components"]["schemas"].items()
        if {"access_token", "token"} & set(schema.get("properties", {}))
    ]
    assert sorted(holders) == ["LeasedBody", "PastedBody"]  # the latter comes in


@pytest.mark.parametrize("service", OTHERS)
def test_v6_no_other_service_reads_the_key(service: str) -> None:
    settings = getattr(import_module(f"{service}.settings"), OTHERS[service])
    assert set(GatewaySettings.model_fields) >= SECRETS
    assert not set(settings.model_fields) & SECRETS
