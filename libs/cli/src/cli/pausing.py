"""`clipcast pause`, `resume` and `pauses`: for operators."""

from typing import Annotated, Any

import typer

from cli import asked, shown
from cli.asked import Json
from cli.failures import FAILED, NOT_ASKED, Failure, Refused, usage
from cli.gateways import Gateways
from cli.language import say
from cli.output import Output, folded, row, table
from cli.words import Scope
from common.contracts.words import Platform

PATH = "/v1/pauses"
Reason = Annotated[
    str | None,
    typer.Option(help=say("почему: для других операторов", "why: for other operators")),
]


def pause(
    ctx: typer.Context, scope: Scope, name: str, reason: Reason = None, as_json: Json = False
) -> None:
    """Start nothing of a platform, an account or a user from now on."""
    body = _what(scope, name, reason)
    with Gateways(ctx.obj) as gateways:
        found = _as_operator(gateways, "POST", json=body)
    _tell(Output(as_json=as_json), found)


def resume(
    ctx: typer.Context, scope: Scope, name: str, reason: Reason = None, as_json: Json = False
) -> None:
    """Let it go on; what became due meanwhile starts at once."""
    body = _what(scope, name, reason)
    with Gateways(ctx.obj) as gateways:
        paused = _as_operator(gateways, "GET")["items"]
        if not any(one["scope"] == scope and one["id"] == body["id"] for one in paused):
            raise Failure(
                FAILED,
                "not_found",
                say(f"Не на паузе: {scope} {name}.", f"Not paused: {scope} {name}."),
                say("Что на паузе: clipcast pauses", "What is paused: clipcast pauses"),
            )
        _as_operator(gateways, "DELETE", json=body)
        found = _as_operator(gateways, "GET")
    output = Output(as_json=as_json)
    output.remark(say(f"Снято с паузы: {scope} {name}.", f"Resumed: {scope} {name}."))
    _tell(output, found)


def pauses(ctx: typer.Context, as_json: Json = False) -> None:
    """List what is paused."""
    with Gateways(ctx.obj) as gateways:
        found = _as_operator(gateways, "GET")
    _tell(Output(as_json=as_json), found)


def _what(scope: Scope, name: str, reason: str | None) -> dict[str, str]:
    if scope is Scope.PLATFORM and name not in list(Platform):
        names = ", ".join(Platform)
        raise usage(say(f"Площадки: {names}", f"The platforms are {names}"))
    what = {"scope": scope, "id": asked.identity(name) if scope is Scope.CONNECTION else name}
    return what | ({"reason": reason} if reason else {})


def _as_operator(gateways: Gateways, method: str, **more: Any) -> Any:  # noqa: ANN401 - any JSON value
    """To everybody else this place does not exist."""
    try:
        return gateways.ask("publisher", method, PATH, **more)
    except Refused as refusal:
        if refusal.code != "not_found":
            raise
        raise Failure(
            NOT_ASKED,
            "operators_only",
            say(
                "Только для операторов: нужен токен с role=operator (для make up: "
                "make token ROLE=operator).",
                "For operators only: that takes a token with role=operator (for make up: "
                "make token ROLE=operator).",
            ),
        ) from None


def _tell(output: Output, found: dict[str, Any]) -> None:
    if output.as_json:
        output.document(found)
        return
    if not found["items"]:
        output.remark(say("Пауз нет.", "Nothing is paused."))
        return
    why = folded(say("почему", "reason"))
    grid = table(say("что", "scope"), "id", say("кем", "by"), say("когда", "since"), why)
    for one in found["items"]:
        since = shown.moment(one["created_at"])
        row(grid, one["scope"], one["id"], one["paused_by"], since, one["reason"] or "")
    output.show(grid)
