"""Errors as problem details (RFC 9457): a stable code and a sentence in the caller's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from common.auth.callers import Unauthorized, Verifier
from common.auth.keys import KeysUnavailable
from common.http.texts import TEXTS, Text
from common.observe import logs

log = logs.get(__name__)
SHORTEST_SECRET = 8


class Flaw(NamedTuple):
    """One thing wrong with one field; `target` is the index of the target, if it is about one."""

    field: str
    code: str
    text: Text | None = None
    target: int | None = None


@dataclass(eq=False)
class Problem(Exception):
    """A refusal. `text` overrides the code's usual sentence; `values` fill its placeholders."""

    status: int
    code: str
    text: Text | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    flaws: Sequence[Flaw] = ()
    retry_after: float | None = None


class FlawBody(BaseModel):
    """One entry of `errors`."""

    target: int | None = None
    field: str
    code: str
    detail: str


class ProblemBody(BaseModel):
    """The body of every error answer."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FlawBody] | None = None


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's `responses` says about its refusals, so that a client can be generated."""
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    content = {"application/problem+json": {"schema": schema}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def language(request: Request) -> str:
    """`en` when the caller prefers it to Russian, else `ru` (api.md)."""
    best, chosen = 0.0, "ru"
    for part in request.headers.get("accept-language", "").split(","):
        name, _, quality = part.replace(" ", "").partition(";q=")
        tag = name.split("-")[0].lower()
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if tag in ("ru", "en") and weight > best:
            best, chosen = weight, tag
    return chosen


def say(code: str, lang: str, text: Text | None = None, **values: object) -> str:
    """The sentence for a code, in a language."""
    chosen = text or TEXTS[code]
    return (chosen.ru if lang == "ru" else chosen.en).format(**values)


def render(request: Request, problem: Problem) -> JSONResponse:
    """The answer for a problem."""
    lang = language(request)
    body = ProblemBody(
        type=f"urn:clipcast:problem:{problem.code}",
        title=problem.code.replace("_", " "),
        status=problem.status,
        detail=say(problem.code, lang, problem.text, **problem.values),
        code=problem.code,
        errors=[
            FlawBody(
                target=flaw.target,
                field=flaw.field,
                code=flaw.code,
                detail=say(flaw.code, lang, flaw.text),
            )
            for flaw in problem.flaws
        ]
        or None,
    )
    headers = {"Content-Language": lang}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_after + 0.5)))
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=problem.status,
        headers=headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Turn every way a request can go wrong into a problem."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, problem: Problem) -> JSONResponse:
        return render(request, problem)

    @app.exception_handler(Unauthorized)
    async def _unauthorized(request: Request, _error: Unauthorized) -> JSONResponse:
        return render(request, Problem(401, "unauthorized"))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        if any(one["type"] == "json_invalid" for one in error.errors()):
            return await _unreadable(request, _flaws(error.errors()))
        return render(request, Problem(422, "invalid_request", flaws=_flaws(error.errors())))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # FastAPI's word for a body that is no text at all
            return await _unreadable(request, [Flaw("body", "invalid_request")])
        code = {401: "unauthorized", 404: "not_found", 405: "method_not_allowed"}.get(
            error.status_code, "invalid_request"
        )
        return render(request, Problem(error.status_code, code))

    @app.exception_handler(DBAPIError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(PoolTimeout)
    @app.exception_handler(TimeoutError)
    @app.exception_handler(OSError)
    async def _unavailable(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, DBAPIError) and not _away(error):
            return await _bug(request, error)
        log.error("dependency_unavailable", error=type(error).__name__)
        return render(request, Problem(503, "service_unavailable", retry_after=5))

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> JSONResponse:
        log.error("unhandled", error=type(error).__name__, exc_info=error)
        return render(request, Problem(500, "internal"))


async def _unreadable(request: Request, flaws: Sequence[Flaw]) -> JSONResponse:
    """FastAPI reads the JSON before it asks who calls, but 401 comes before 422 (api.md)."""
    verifier: Verifier | None = getattr(request.app.state, "verifier", None)
    if verifier is not None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            await verifier.verify(token if scheme.lower() == "bearer" else "")
        except Unauthorized:
            return render(request, Problem(401, "unauthorized"))
        except KeysUnavailable:
            return render(request, Problem(503, "service_unavailable", retry_after=5))
    return render(request, Problem(422, "invalid_request", flaws=flaws))


def _flaws(errors: Sequence[Any]) -> list[Flaw]:
    """Where and what, without the rejected input: it may be a token (security.md §2)."""
    flaws = []
    for one in errors:
        place = [str(part) for part in one["loc"] if part not in ("body", "query", "path")]
        message = _silent(one).replace("{", "(").replace("}", ")")
        flaws.append(Flaw(".".join(place) or "body", "invalid_request", Text(message, message)))
    return flaws


def _silent(error: Mapping[str, Any]) -> str:
    """The message without the input: that of an unknown tag, or of an enum, repeats it."""
    message = str(error.get("msg", ""))
    rejected = error.get("input")
    words = [rejected, error.get("ctx", {}).get("tag")]
    words += rejected.values() if isinstance(rejected, dict) else ()
    for word in (one for one in words if isinstance(one, str) and len(one) >= SHORTEST_SECRET):
        message = message.replace(word, "…")
    return message


def _away(error: DBAPIError) -> bool:
    """Whether the database can't serve anybody now, rather than refuse this one statement."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return (
        error.connection_invalidated
        or isinstance(error, InterfaceError)
        or isinstance(error.__cause__ or error.orig, TimeoutError | OSError)
        or state.startswith(("08", "40", "53", "55", "57"))
    )
