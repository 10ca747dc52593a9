"""A small oauth-gateway for tests of its neighbours: its internal API, and orders to misbehave."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from common.auth.services import Forbidden, verify
from common.ids import new_id

NAME = "oauth-gateway"
SECRET = "9b1f4c7ae2d05836c4e8a1b39d7f6205"
DETAIL = "Why {it} was refused, in the language that was asked for."
AVATAR = "https://img.example.org/a.jpg"


@dataclass
class Gateway:
    """What it was asked, what it holds, and what it shall answer instead."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """(kind, body): kinds are flow, finish, store, check."""
    checks: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Connection id → (result, detail) of a check; ok when nothing stands here."""
    expires_at: datetime | None = None
    languages: list[str] = field(default_factory=list)
    """The language of each call, in order."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Fired by each call."""
    gate: asyncio.Event | None = None
    """While set and not fired, every answer waits for it."""
    _orders: dict[str, list[tuple[int, dict[str, Any]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _finishes: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    _grants: dict[tuple[str, str, str], tuple[str, int]] = field(default_factory=dict)

    def refuse(self, kind: str, status: int, code: str) -> None:
        """Answer the next call of this kind with a problem."""
        self._orders[kind].append((status, {"code": code, "detail": DETAIL, "status": status}))

    def consent(self, user: str, platform: str, account: str) -> str:
        """A finish id, as if this user had said yes on the platform's page."""
        finish = f"finish-{new_id().hex}"
        self._finishes[finish] = (user, platform, account)
        return finish

    def count(self, kind: str) -> int:
        """How often it was asked."""
        return sum(1 for one, _ in self.calls if one == kind)

    async def answer(self, kind: str, body: dict[str, Any], give: dict[str, Any]) -> JSONResponse:
        """What was ordered, else `give`."""
        self.calls.append((kind, body))
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self._orders[kind]:
            status, problem = self._orders[kind].pop(0)
            return JSONResponse(problem, status)
        return JSONResponse(give)

    def linked(self, user: str, platform: str, account: str, proposal: str) -> dict[str, Any]:
        """Store a grant: a known account keeps its id, and its grants are counted."""
        known = self._grants.get((user, platform, account))
        connection_id, grants = known or (proposal, 0)
        self._grants[user, platform, account] = (connection_id, grants + 1)
        return {
            "connection_id": connection_id,
            "platform": platform,
            "grant_number": grants + 1,
            "account": {
                "id": account,
                "name": f"Name of {account}",
                "avatar_url": AVATAR,
                "url": None,
            },
            "granted": ["video"],
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
        }

    def take(self, finish: str, user: str) -> tuple[str, str] | None:
        """Platform and account, once, for the user who started."""
        starter, platform, account = self._finishes.pop(finish, ("", "", ""))
        return (platform, account) if starter == user else None


def gateway_app(gateway: Gateway, caller: str) -> FastAPI:
    """Its HTTP side; only `caller` is let in."""
    app = FastAPI()

    @app.middleware("http")
    async def _only_services(request: Request, go_on: Any) -> Any:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            verify(given, NAME, {caller: SECRET})
        except Forbidden:
            return JSONResponse({"code": "unauthorized"}, 401)
        gateway.languages.append(request.headers["accept-language"])
        return await go_on(request)

    @app.post("/internal/v1/flows")
    async def flows(body: dict[str, Any]) -> JSONResponse:
        ends = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        url = f"https://{body['platform']}.example.org/authorize?state={new_id().hex}"
        return await gateway.answer("flow", body, {"authorize_url": url, "expires_at": ends})

    @app.post("/internal/v1/flows/{finish}/finish")
    async def finish_flow(finish: str, body: dict[str, Any]) -> JSONResponse:
        taken = gateway.take(finish, body["user_id"])
        if taken is None:
            gateway.refuse("finish", 403, "state_invalid")
            return await gateway.answer("finish", body, {})
        linked = gateway.linked(body["user_id"], *taken, str(new_id()))
        return await gateway.answer("finish", body, linked)

    @app.put("/internal/v1/credentials/{connection_id}")
    async def store(connection_id: str, body: dict[str, Any]) -> JSONResponse:
        account = f"account-of-{body['token']}"
        linked = gateway.linked(body["user_id"], body["platform"], account, connection_id)
        return await gateway.answer("store", body, linked)

    @app.post("/internal/v1/credentials/{connection_id}/check")
    async def check(connection_id: str) -> JSONResponse:
        result, detail = gateway.checks.get(connection_id, ("ok", None))
        given = {"connection_id": connection_id}
        return await gateway.answer("check", given, {"result": result, "detail": detail})

    return app
