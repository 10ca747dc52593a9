"""Looking at publications and steering them: list, show, cancel, retry, resolve."""

from typing import Annotated, Any

import typer

from cli import asked, shown
from cli.asked import Json
from cli.failures import usage
from cli.following import advice, exit_code, follow
from cli.gateways import Gateways
from cli.language import say
from cli.output import Output
from cli.words import Outcome, Status
from common.contracts.words import Platform

EVERYTHING = 100_000
PUBLICATION = Annotated[str, typer.Argument(metavar="ID", help=say("id публикации", "its id"))]


def listing(
    ctx: typer.Context,
    status: Annotated[Status | None, typer.Option()] = None,
    platform: Annotated[Platform | None, typer.Option()] = None,
    account: Annotated[str | None, typer.Option(help=say("id аккаунта", "an account's id"))] = None,
    clip: Annotated[str | None, typer.Option(help="clip_id")] = None,
    since: Annotated[str | None, typer.Option("--from", help=asked.FORM)] = None,
    until: Annotated[str | None, typer.Option("--to", help=asked.FORM)] = None,
    limit: Annotated[int, typer.Option(min=1, max=EVERYTHING)] = 50,
    cursor: Annotated[str | None, typer.Option(help="next_cursor")] = None,
    as_json: Json = False,
) -> None:
    """List publications, newest first."""
    output = Output(as_json=as_json)
    query = {
        "status": status,
        "platform": platform,
        "connection_id": asked.identity(account) if account else None,
        "clip_id": clip,
        "from": asked.instant(since),
        "to": asked.instant(until),
    }
    with Gateways(ctx.obj) as gateways:
        found = gateways.page("publisher", "/v1/publications", limit, cursor, **query)
    if as_json:
        output.document(found)
        return
    if found["items"]:
        output.show(shown.publications(found["items"]))
    else:
        output.remark(say("Публикаций нет.", "There are no publications."))
    if found["next_cursor"]:
        output.remark(say("Есть ещё: ", "There are more: ") + f"--cursor {found['next_cursor']}")


def show(ctx: typer.Context, publication: PUBLICATION, as_json: Json = False) -> None:
    """Show a publication and all that happened to it."""
    output = Output(as_json=as_json)
    path = _path(publication)
    with Gateways(ctx.obj) as gateways:
        found = gateways.ask("publisher", "GET", path)
        lines = gateways.page("publisher", f"{path}/timeline", EVERYTHING)["items"]
    if as_json:
        output.document({"publication": found, "timeline": lines})
        return
    output.show(shown.publication(found))
    output.line("")
    output.show(shown.timeline(lines))
    output.remark(*advice([found]))


def cancel(ctx: typer.Context, publication: PUBLICATION, as_json: Json = False) -> None:
    """Call a publication off, unless people can see it already."""
    output = Output(as_json=as_json)
    with Gateways(ctx.obj) as gateways:
        found = gateways.ask("publisher", "POST", f"{_path(publication)}/cancel")
    if as_json:
        output.document(found)
    elif found["verdict"] == "cancelled":
        output.line(say("Отменена.", "Cancelled."))
    else:
        output.line(
            say(
                "Отмена запрошена; чем кончилось: clipcast show ",
                "Asked to cancel; how it ends: clipcast show ",
            )
            + publication
        )


def retry(
    ctx: typer.Context,
    publication: PUBLICATION,
    wait: Annotated[bool, typer.Option("--wait/--no-wait")] = True,
    as_json: Json = False,
) -> None:
    """Try a failed publication again, from its last proven step."""
    output = Output(as_json=as_json)
    with Gateways(ctx.obj) as gateways:
        rows = [gateways.ask("publisher", "POST", f"{_path(publication)}/retry")]
        if wait:
            rows = follow(gateways, output, rows)
    _tell(output, rows[0])
    output.remark(*advice(rows))
    raise typer.Exit(exit_code(rows))


def resolve(
    ctx: typer.Context,
    publication: PUBLICATION,
    outcome: Outcome,
    url: Annotated[str | None, typer.Option(help=say("ссылка на пост", "the post's link"))] = None,
    post_id: Annotated[str | None, typer.Option()] = None,
    as_json: Json = False,
) -> None:
    """Say how an uncertain publication ended, after looking at the platform's page."""
    output = Output(as_json=as_json)
    if outcome is Outcome.FAILED and (url or post_id):
        raise usage(say("Где нет поста, нет и ссылки.", "Where there is no post there is no link."))
    body = {"outcome": outcome, "url": url, "post_id": post_id}
    told = {name: value for name, value in body.items() if value is not None}
    with Gateways(ctx.obj) as gateways:
        found = gateways.ask("publisher", "POST", f"{_path(publication)}/resolve", json=told)
    _tell(output, found)


def _tell(output: Output, one: dict[str, Any]) -> None:
    if output.as_json:
        output.document(one)
    else:
        output.line(shown.line(one))


def _path(publication: str) -> str:
    return f"/v1/publications/{asked.identity(publication)}"
