"""What the neighbours tell, in any order and any number of times, through the real consumers."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from common.contracts.oauth import TokenRefreshed, TokenRefreshFailed
from common.contracts.publisher import PublicationPublished
from common.contracts.words import Platform
from common.ids import new_id
from support.gateway import Gateway
from support.waiting import eventually

pytestmark = pytest.mark.anyio
Told = Callable[[str], Awaitable[list[dict[str, Any]]]]
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


@pytest.fixture
async def connection(api: httpx.AsyncClient, gateway: Gateway, user: str) -> dict[str, Any]:
    gateway.expires_at = SOON
    body = {"finish": gateway.consent(user, "vk", "100")}
    found: dict[str, Any] = (await api.post("/v1/connections/finish", json=body)).json()
    return found


def _refused(connection: dict[str, Any], **changed: Any) -> TokenRefreshFailed:
    usual = {
        "connection_id": connection["id"],
        "platform": "vk",
        "definite": True,
        "reason": "access_revoked",
        "grant_number": 1,
    }
    return TokenRefreshFailed.model_validate(usual | changed)


def _refreshed(connection: dict[str, Any], until: datetime) -> TokenRefreshed:
    return TokenRefreshed(connection_id=connection["id"], platform=Platform.VK, expires_at=until)


def _published(connection: dict[str, Any], at: datetime) -> PublicationPublished:
    return PublicationPublished(
        publication_id=new_id(),
        user_id="whoever",
        connection_id=UUID(connection["id"]),
        platform=Platform.VK,
        clip_id="clip",
        account_id="100",
        post_id="1",
        url="https://vk.example.org/1",
        published_at=at,
    )


async def _read(api: httpx.AsyncClient, connection: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/v1/connections/{connection['id']}")).json()
    return found


async def _becomes(
    api: httpx.AsyncClient, connection: dict[str, Any], field: str, value: str
) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found = await _read(api, connection)
        return found if found[field] == value else None

    found = await eventually(look)
    assert found is not None
    return found


def _shown(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def test_a_definite_refusal_expires_the_connection_once(
    api: httpx.AsyncClient, bus: Any, connection: dict[str, Any], user: str, told: Told
) -> None:
    twin = new_id()
    for message_id in (twin, twin, new_id()):
        await bus.tell(_refused(connection), version=2, message_id=message_id)
    await _becomes(api, connection, "status", "expired")
    await bus.tell(_refreshed(connection, SOON + timedelta(hours=1)), version=3)
    await _becomes(api, connection, "expires_at", _shown(SOON + timedelta(hours=1)))
    facts = [fact for fact in await told(user) if fact["type"] == "ConnectionExpired.v1"]
    assert [fact["data"]["reason"] for fact in facts] == ["access_revoked"]
    assert (await _read(api, connection))["status"] == "expired"


@pytest.mark.parametrize("changed", [{"definite": False}, {"grant_number": 0}])
async def test_a_passing_failure_or_one_of_a_former_grant_changes_nothing(
    api: httpx.AsyncClient,
    bus: Any,
    connection: dict[str, Any],
    user: str,
    told: Told,
    changed: dict[str, Any],
) -> None:
    await bus.tell(_refused(connection, **changed))
    await bus.tell(_refreshed(connection, SOON + timedelta(minutes=1)))
    found = await _becomes(api, connection, "expires_at", _shown(SOON + timedelta(minutes=1)))
    assert found["status"] == "active"
    assert len(await told(user)) == 1


async def test_refreshes_out_of_order_leave_the_latest_expiry(
    api: httpx.AsyncClient, bus: Any, connection: dict[str, Any]
) -> None:
    for hours in (3, 2, 4, 1):
        await bus.tell(_refreshed(connection, SOON + timedelta(hours=hours)), version=hours)
    await _becomes(api, connection, "expires_at", _shown(SOON + timedelta(hours=4)))
    await bus.tell(_refused(connection), version=9)
    found = await _becomes(api, connection, "status", "expired")
    assert found["expires_at"] == _shown(SOON + timedelta(hours=4))


async def test_a_publication_that_went_through_proves_the_account(
    api: httpx.AsyncClient, bus: Any, connection: dict[str, Any]
) -> None:
    at = datetime.now(UTC) + timedelta(seconds=30)
    await bus.tell(_published(connection, at))
    await bus.tell(_published(connection, at - timedelta(days=1)))
    await _becomes(api, connection, "checked_at", _shown(at))


async def test_news_about_a_removed_or_unknown_account_are_harmless(
    api: httpx.AsyncClient,
    bus: Any,
    connection: dict[str, Any],
    user: str,
    told: Told,
    gateway: Gateway,
) -> None:
    await api.delete(f"/v1/connections/{connection['id']}")
    for gone in (connection, {"id": str(new_id())}):
        await bus.tell(_refused(gone))
        await bus.tell(_refreshed(gone, SOON + timedelta(hours=9)))
        await bus.tell(_published(gone, datetime.now(UTC)))
    finish = {"finish": gateway.consent(user, "vk", "200")}
    other = (await api.post("/v1/connections/finish", json=finish)).json()
    await bus.tell(_refused(other))
    await _becomes(api, other, "status", "expired")
    kinds = [fact["type"] for fact in await told(user)]
    assert kinds == [
        "PlatformConnected.v1",
        "PlatformDisconnected.v1",
        "PlatformConnected.v1",
        "ConnectionExpired.v1",
    ]


async def test_every_fact_reaches_the_bus_with_its_trace(
    api: httpx.AsyncClient, bus: Any, user: str
) -> None:
    trace = f"00-{'ab' * 16}-{'cd' * 8}-01"
    body = {"platform": "rutube", "token": "rt"}
    made = await api.post("/v1/connections", json=body, headers={"traceparent": trace})
    await api.delete(f"/v1/connections/{made.json()['id']}")

    async def heard() -> list[dict[str, Any]] | None:
        mine = [fact for fact in await bus.heard() if fact["data"].get("user_id") == user]
        return mine if len(mine) == 2 else None

    facts = await eventually(heard)
    assert facts is not None
    first, second = facts
    assert (first["type"], second["type"]) == ("PlatformConnected.v1", "PlatformDisconnected.v1")
    assert first["traceparent"].split("-")[1] == "ab" * 16
    assert second["data"]["grant_number"] == 1
    assert first["source"] == "connections"
