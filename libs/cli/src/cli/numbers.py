"""`clipcast stats`: one publication's series, a summary, or everything as CSV."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from cli import asked, shown
from cli.asked import Json
from cli.failures import usage
from cli.gateways import Gateways
from cli.language import say
from cli.output import Output
from cli.words import Grouping, Resolution

EVERYTHING = 100_000
SERVICE = "stats-collector"


def stats(
    ctx: typer.Context,
    publication: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help=say("id публикации; без него сводка", "its id; without one a summary"),
        ),
    ] = None,
    by: Annotated[Grouping | None, typer.Option(help=say("сводка по", "a summary by"))] = None,
    since: Annotated[str | None, typer.Option("--from", help=f"2026-12-01, {asked.FORM}")] = None,
    until: Annotated[str | None, typer.Option("--to", help=f"2026-12-01, {asked.FORM}")] = None,
    resolution: Annotated[Resolution | None, typer.Option()] = None,
    tz: Annotated[str | None, typer.Option(help="Europe/Moscow; UTC")] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help=say("все замеры, CSV", "every sample, as CSV"))
    ] = False,
    as_json: Json = False,
) -> None:
    """Numbers: of one publication, added up, or all of them as CSV."""
    output = Output(as_json=as_json)
    period = {"--by": by, "--from": since, "--to": until}
    if as_csv:
        others = {"--resolution": resolution, "--tz": tz}
        _refuse(say("--csv даёт всё", "--csv tells all"), period | others)
        if as_json or publication:
            raise usage(say("--csv даёт всё и одно.", "--csv tells all, and alone."))
    elif publication:
        _refuse(say("Ряд одной публикации", "The series of one publication"), period)
    else:
        _refuse(say("Сводка", "A summary"), {"--resolution": resolution})
    with Gateways(ctx.obj) as gateways:
        if as_csv:
            for text in gateways.lines(SERVICE, "/v1/stats/export.csv", "text/csv"):
                sys.stdout.write(text)
        elif publication:
            _series(gateways, output, asked.identity(publication), resolution, tz or "UTC")
        else:
            _summary(
                gateways,
                output,
                by or Grouping.PLATFORM,
                tz or "UTC",
                asked.edge(since),
                asked.edge(until),
            )


def _refuse(what: str, options: Mapping[str, object]) -> None:
    """Silently ignored, it would look as if it had been heeded. Raises Failure."""
    if given := ", ".join(name for name, value in options.items() if value is not None):
        raise usage(say(f"{what}: {given} сюда не подходит.", f"{what}: {given} does not apply."))


def _series(
    gateways: Gateways, output: Output, publication: str, resolution: Resolution | None, tz: str
) -> None:
    path = f"/v1/stats/publications/{publication}"
    query = {"resolution": resolution or Resolution.EVERY, "tz": tz, "limit": "200"}
    found = gateways.ask(SERVICE, "GET", path, params=query)
    while cursor := found["next_cursor"]:
        more = gateways.ask(SERVICE, "GET", path, params=query | {"cursor": cursor})
        found["samples"] += more["samples"]
        found["next_cursor"] = more["next_cursor"]
    if output.as_json:
        output.document(found)
        return
    if not found["available"]:
        output.line(f"{found['platform']}: {shown.no_statistics()}")
        return
    if found["reason"]:
        output.remark(say("Свежих чисел нет: ", "No fresh numbers: ") + str(found["reason"]))
    output.show(shown.samples(found))


def _summary(
    gateways: Gateways, output: Output, by: Grouping, tz: str, since: str | None, until: str | None
) -> None:
    query = {"group_by": by, "tz": tz, "from": since, "to": until}
    found = gateways.page(SERVICE, "/v1/stats/summary", EVERYTHING, **query)
    if output.as_json:
        output.document(found)
    elif found["items"]:
        output.show(shown.summary(found["items"], by))
    else:
        output.remark(say("За это время чисел нет.", "There are no numbers of that time."))
