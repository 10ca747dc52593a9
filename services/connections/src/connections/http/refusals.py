"""Turns a use case's refusal into a problem of the public interface."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from common.http.problems import Flaw, Problem, render
from common.http.texts import Text
from common.observe import logs
from connections.app.refusals import (
    GatewayRefused,
    GatewaySilent,
    NotFound,
    Overtaken,
    PlanRequired,
    Refusal,
    WrongPlatform,
)

ASK_AGAIN_SECONDS = 5
ANOTHER_WAY = Text(
    "Эта платформа подключается иначе или сейчас выключена. Смотрите GET /v1/platforms.",
    "This platform connects another way or is switched off here. See GET /v1/platforms.",
)
PLAIN: dict[type[Refusal], tuple[int, str]] = {
    PlanRequired: (403, "plan_required"),
    NotFound: (404, "not_found"),
    Overtaken: (403, "state_invalid"),
}
log = logs.get(__name__)


def install(app: FastAPI) -> None:
    """Use cases raise; people read problems."""

    @app.exception_handler(Refusal)
    async def _refused(request: Request, refusal: Refusal) -> JSONResponse:
        return render(request, as_problem(refusal))


def as_problem(refusal: Refusal) -> Problem:
    """The problem for a refusal."""
    match refusal:
        case GatewayRefused(status=status, code=code, detail=detail, again=again):
            wait = ASK_AGAIN_SECONDS if again else None
            return Problem(status, code, text=_verbatim(detail), retry_after=wait)
        case GatewaySilent():
            log.error("gateway_silent", why=str(refusal))
            # To a person who connects, the way to the platform is one thing (api.md).
            return Problem(503, "platform_unavailable", retry_after=ASK_AGAIN_SECONDS)
        case WrongPlatform():
            flaw = Flaw("platform", "invalid_request", ANOTHER_WAY)
            return Problem(422, "invalid_request", flaws=[flaw])
        case _:
            return Problem(*PLAIN[type(refusal)])


def _verbatim(detail: str) -> Text | None:
    """The gateway's sentence, which is in the caller's language already."""
    safe = detail.replace("{", "{{").replace("}", "}}")
    return Text(safe, safe) if safe else None
