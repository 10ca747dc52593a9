"""A tiny oauth-gateway: lends tokens over its internal API, and writes down who asked."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from common.auth.services import verify
from common.neighbours import GATEWAY
from stats_collector.settings import NAME

SECRET = "3f9d2b7c51e84a06b8d7c2e91f5a6340"


@dataclass
class Lender:
    """The tokens of connections, in the order in which they are lent; none left means 410."""

    tokens: dict[UUID, list[str]] = field(default_factory=dict)
    asked: list[tuple[UUID, int | None]] = field(default_factory=list)
    """(connection, refused_version) of every call."""
    down: bool = False

    def app(self) -> FastAPI:
        """Its HTTP side; only stats-collector is let in."""
        app = FastAPI()

        @app.post("/internal/v1/credentials/{connection_id}/access-token")
        async def lend(connection_id: UUID, body: dict[str, Any], request: Request) -> JSONResponse:
            given = request.headers["authorization"].removeprefix("Bearer ")
            verify(given, GATEWAY, {NAME: SECRET})
            refused = body.get("refused_version")
            self.asked.append((connection_id, refused))
            if self.down:
                return JSONResponse({"code": "platform_unavailable"}, 503)
            version = 1 if refused is None else refused + 1
            held = self.tokens.get(connection_id, [])
            if version > len(held):
                return JSONResponse({"code": "connection_expired"}, 410)
            return JSONResponse(
                {"access_token": held[version - 1], "version": version, "expires_at": None}
            )

        return app
