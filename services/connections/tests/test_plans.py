"""Which plan opens which platform, and which of two words about a plan counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from common.contracts.accounts import PlanChanged
from common.contracts.words import Plan
from connections.domain.plans import PlanWord, effective
from support.people import bearer
from support.waiting import eventually

pytestmark = pytest.mark.anyio
NOW = datetime.now(UTC)
ALL = {"vk", "rutube", "dzen", "telegram"}
MATRIX: list[tuple[str | None, set[str]]] = [
    ("free", set()),
    ("start", {"vk"}),
    ("pro", ALL),
    ("business", ALL),
    ("platinum", set()),
    (None, set()),
]


@pytest.mark.parametrize(("plan", "open_to"), MATRIX)
async def test_a_plan_opens_its_platforms_and_no_other(
    anonymous: httpx.AsyncClient, user: str, plan: str | None, open_to: set[str]
) -> None:
    anonymous.headers.update(bearer(user, plan))
    platforms = (await anonymous.get("/v1/platforms")).json()["items"]
    assert {one["platform"] for one in platforms if one["allowed"]} == open_to
    for platform in ("vk", "dzen"):
        answer = await anonymous.post(f"/v1/connections/{platform}/authorize", json={})
        assert answer.status_code == (200 if platform in open_to else 403)
    for body in (
        {"platform": "rutube", "token": "t"},
        {"platform": "telegram", "token": "t", "channel": "@c"},
    ):
        answer = await anonymous.post("/v1/connections", json=body)
        assert answer.status_code == (201 if body["platform"] in open_to else 403)


def test_the_newer_word_counts() -> None:
    old, new = NOW - timedelta(hours=1), NOW
    assert effective(PlanWord(Plan.PRO, old), None) is Plan.PRO
    assert effective(PlanWord(Plan.PRO, old), PlanWord(Plan.FREE, new)) is Plan.FREE
    assert effective(PlanWord(Plan.PRO, new), PlanWord(Plan.FREE, old)) is Plan.PRO


async def _allowed(api: httpx.AsyncClient) -> set[str]:
    items = (await api.get("/v1/platforms")).json()["items"]
    return {one["platform"] for one in items if one["allowed"]}


async def test_a_downgrade_counts_until_a_newer_token_is_issued(
    api: httpx.AsyncClient, user: str, bus: Any
) -> None:
    changed = datetime.now(UTC) + timedelta(seconds=5)
    await bus.tell(PlanChanged(user_id=user, plan="start", changed_at=changed))

    async def downgraded() -> bool:
        return await _allowed(api) == {"vk"}

    await eventually(downgraded)
    refused = await api.post("/v1/connections", json={"platform": "rutube", "token": "t"})
    assert refused.json()["code"] == "plan_required"
    api.headers.update(bearer(user, "pro", iat=int(changed.timestamp()) + 10))
    assert await _allowed(api) == ALL


async def test_of_two_plan_changes_the_newer_wins_in_any_order(
    api: httpx.AsyncClient, user: str, bus: Any
) -> None:
    api.headers.update(bearer(user, "free", iat=int(NOW.timestamp()) - 1000))
    soon = NOW + timedelta(seconds=1)
    await bus.tell(PlanChanged(user_id=user, plan="business", changed_at=soon))
    await bus.tell(PlanChanged(user_id=user, plan="start", changed_at=NOW - timedelta(days=1)))
    after = f"{user}-after"
    await bus.tell(PlanChanged(user_id=after, plan="start", changed_at=soon))

    async def all_heard() -> bool:
        seen = await api.get("/v1/platforms", headers=bearer(after, "free", iat=1))
        return any(one["allowed"] for one in seen.json()["items"])

    await eventually(all_heard)
    assert await _allowed(api) == ALL
