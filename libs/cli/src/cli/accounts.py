"""`clipcast accounts` and `disconnect`."""

import sys
from typing import Annotated

import typer

from cli import asked, shown
from cli.asked import Json
from cli.failures import usage
from cli.gateways import Gateways
from cli.language import say
from cli.output import Output

MOST = 1000


def accounts(ctx: typer.Context, as_json: Json = False) -> None:
    """List the connected accounts."""
    output = Output(as_json=as_json)
    with Gateways(ctx.obj) as gateways:
        found = gateways.page("connections", "/v1/connections", MOST)
    if as_json:
        output.document(found)
    elif found["items"]:
        output.show(shown.accounts(found["items"]))
    else:
        output.remark(
            say(
                "Ничего не подключено. Подключить: clipcast connect telegram --channel @имя",
                "Nothing is connected. Connect: clipcast connect telegram --channel @name",
            )
        )


def disconnect(
    ctx: typer.Context,
    account: str,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help=say("не спрашивать", "don't ask"))
    ] = False,
    as_json: Json = False,
) -> None:
    """Disconnect an account: what is scheduled to it is cancelled, its token erased."""
    output = Output(as_json=as_json)
    account = asked.identity(account)
    if not yes:
        _confirm(output)
    with Gateways(ctx.obj) as gateways:
        gateways.ask("connections", "DELETE", f"/v1/connections/{account}")
    if as_json:
        output.document({"disconnected": account})
    else:
        output.line(say(f"Отключён {account}", f"Disconnected {account}"))


def _confirm(output: Output) -> None:
    if sys.stdin.isatty():
        output.remark(
            say(
                "Запланированное на этот аккаунт будет отменено. Отключить? [y/N]",
                "What is scheduled to this account will be cancelled. Disconnect? [y/N]",
            )
        )
        if sys.stdin.readline().strip().lower() in ("y", "yes", "д", "да"):
            return
    raise usage(say("Не подтверждено. Без вопроса: --yes", "Not confirmed. Without asking: --yes"))
