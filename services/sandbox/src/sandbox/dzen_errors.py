"""Refusals of the assumed Дзен contract: `{"error": {"code", "message"}}`."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response


class RefusedError(Exception):
    """One refusal."""

    def __init__(
        self, status: int, code: str, message: str = "", *, retry_after: int | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def answer(self) -> Response:
        """As it goes over the wire."""
        error = (
            {"code": self.code, "message": self.message} if self.message else {"code": self.code}
        )
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return JSONResponse({"error": error}, self.status, headers=headers)


def bad_request(message: str) -> RefusedError:
    """HTTP 400."""
    return RefusedError(400, "bad_request", message)


def unauthorized() -> RefusedError:
    """HTTP 401: no token, a dead one, or another scheme than OAuth."""
    return RefusedError(401, "unauthorized")


def not_found() -> RefusedError:
    """HTTP 404: unknown, deleted, or another channel's."""
    return RefusedError(404, "not_found", "video not found")


def rate_limited(retry_after: int) -> RefusedError:
    """HTTP 429 with the delay in the header."""
    return RefusedError(429, "too_many_requests", "slow down", retry_after=retry_after)
