"""VK API's refusals: always HTTP 200, always in one envelope."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

MESSAGES = {
    1: "Unknown error occurred",
    3: "Unknown method passed",
    5: "User authorization failed: invalid access_token (4).",
    6: "Too many requests per second",
    8: "Invalid request",
    9: "Flood control",
    10: "Internal server error",
    14: "Captcha needed",
    15: "Access denied",
    17: "Validation required: please open redirect_uri in browser",
    18: "User was deleted or banned",
    22: "Upload error",
    27: "Group authorization failed: method is unavailable with group auth.",
    29: "Rate limit reached",
    36: "Method execution was interrupted due to timeout",
    100: "One of the parameters specified was missing or invalid",
    204: "Access denied",
    214: "Access to adding post denied",
    219: "Advertisement post was recently added",
    704: "Access denied, please turn on two-factor authentication",
    13000: "Access denied: user has active bans",
}
NO_SCOPE = "Access denied: no access to call this method. It cannot be called with current scopes."
EXPIRED = "User authorization failed: access_token has expired."


class VkJson(JSONResponse):
    """VK names the charset."""

    media_type = "application/json; charset=utf-8"


class ApiError(Exception):
    """One refusal; `extra` are further members of the error object."""

    def __init__(
        self, code: int, message: str | None = None, subcode: int | None = None, **extra: str | int
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message or MESSAGES[code]
        self.subcode = subcode
        self.extra = extra


def bad_parameter(detail: str) -> ApiError:
    """100 with the text that names the parameter."""
    return ApiError(100, f"{MESSAGES[100]}: {detail}")


def envelope(error: ApiError, method: str, params: dict[str, str]) -> Response:
    """`request_params` echoes what was sent, without the token."""
    echoed = {"method": method, "oauth": "1"} | {
        name: value for name, value in params.items() if name != "access_token"
    }
    body: dict[str, Any] = {"error_code": error.code}
    if error.subcode is not None:
        body["error_subcode"] = error.subcode
    body["error_msg"] = error.message
    body |= error.extra
    body["request_params"] = [{"key": key, "value": value} for key, value in echoed.items()]
    return VkJson({"error": body})


def captcha(origin: str) -> ApiError:
    """Both shapes at once: libraries need the old keys, VK ID's captcha adds the new ones."""
    sid = str(secrets.randbelow(10**12))
    page = f"{origin}/vk/not_robot_captcha?session_token={secrets.token_urlsafe(16)}"
    image = f"{origin}/vk/captcha.php?sid={sid}"
    return ApiError(14, captcha_sid=sid, captcha_img=image, redirect_uri=page, remixstlid=12)


def edge_429() -> Response:
    """What VK's front answers before the API is reached; it never tells a delay."""
    return HTMLResponse("<html><body><h1>429 Too Many Requests</h1></body></html>", 429)


# Fault kinds every API method has: the refusal each of them gives instead of acting.
REFUSALS: dict[str, tuple[int, str | None, int | None]] = {
    "rate_limited": (6, None, None),
    "flood": (9, None, None),
    "quota": (29, None, None),
    "token_refused": (5, None, None),
    "token_expired": (5, EXPIRED, 1117),
    "scope_missing": (15, NO_SCOPE, 1133),
    "access_denied": (15, None, None),
    "user_deactivated": (18, None, None),
    "banned": (13000, None, None),
    "unknown_error": (1, None, None),
    "internal_error": (10, None, None),
    "method_timeout": (36, None, None),
    "video_access_denied": (204, None, None),
    "wall_access_denied": (214, None, None),
    "upload_error": (22, None, None),
    "advertisement": (219, None, None),
    "two_factor_needed": (704, None, None),
}
