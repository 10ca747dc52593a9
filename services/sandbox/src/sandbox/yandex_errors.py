"""Yandex OAuth's refusals: JSON with HTTP 400, or 401 where the credentials' form is wrong."""

from __future__ import annotations

from starlette.responses import HTMLResponse, JSONResponse, Response


class RefusedError(Exception):
    """One of Yandex OAuth's error codes with its description."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status

    def answer(self) -> Response:
        """As it goes over the wire."""
        body = {"error": self.error, "error_description": self.description}
        return JSONResponse(body, self.status)


def invalid_grant(description: str) -> RefusedError:
    """The code or refresh token is used, expired, another client's."""
    return RefusedError("invalid_grant", description)


def page(text: str) -> Response:
    """What the person sees when the app may not be trusted with a redirect."""
    return HTMLResponse(f"<!doctype html><title>Yandex</title><h1>400</h1><p>{text}</p>", 400)
