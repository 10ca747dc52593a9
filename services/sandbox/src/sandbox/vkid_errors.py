"""VK ID's refusals: JSON with HTTP 200, so that only a client that reads the body notices them."""

from __future__ import annotations

from starlette.responses import HTMLResponse, JSONResponse, Response


class RefusedError(Exception):
    """One of VK ID's error codes with its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


def refusal(error: str, description: str, state: str | None = None) -> Response:
    """The body as VK ID sends it; `state` only when the request had one."""
    body = {"error": error, "error_description": description}
    if state:
        body["state"] = state
    return JSONResponse(body)


def page(text: str) -> Response:
    """What the person sees when the app may not be trusted with a redirect."""
    return HTMLResponse(f"<!doctype html><title>VK ID</title><h1>Ошибка</h1><p>{text}</p>", 400)
