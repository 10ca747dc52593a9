"""What publisher's processes talk to, played by the test: the vault, and a Telegram that waits."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request


@dataclass
class Neighbours:
    """`posts` holds the chats in which a video was posted, in order."""

    posts: list[str] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    """No upload is answered before this."""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/internal/v1/credentials/{connection_id}/access-token")
        async def lend(connection_id: str) -> dict[str, Any]:
            return {"access_token": f"7:{connection_id}", "version": 1, "expires_at": None}

        @app.post("/bot{token}/sendVideo")
        async def send(token: str, request: Request) -> dict[str, Any]:
            assert token.startswith("7:")
            body = await request.body()
            chat = body.split(b'name="chat_id"')[1].split(b"\r\n")[2].decode()
            self.posts.append(chat)
            await self.go.wait()
            number = len(self.posts)
            result = {
                "message_id": number,
                "chat": {"id": int(chat), "type": "channel", "username": "channel"},
            }
            return {"ok": True, "result": result}

        return app
