"""The command line: its options, its commands, and how each failure is told."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from cli.accounts import accounts, disconnect
from cli.connect import connect
from cli.doctor import doctor
from cli.failures import FAILED, INTERRUPTED, USAGE, Failure
from cli.handing import THROUGH, dead, keys, reseal
from cli.language import say
from cli.numbers import stats
from cli.output import Output
from cli.parsing import misread
from cli.pausing import pause, pauses, resume
from cli.places import UP_FILE, Places, variable
from cli.publications import cancel, listing, resolve, retry, show
from cli.publish import publish
from cli.words import Owner

HELP: dict[str, tuple[Any, str, str]] = {
    "connect": (connect, "подключить аккаунт площадки", "connect an account"),
    "accounts": (accounts, "подключённые аккаунты", "list connected accounts"),
    "disconnect": (disconnect, "отключить аккаунт", "disconnect an account"),
    "publish": (publish, "опубликовать клип, сейчас или в срок", "publish a clip, now or later"),
    "list": (listing, "публикации, новые сначала", "list publications, newest first"),
    "show": (show, "публикация и её история", "show a publication and its history"),
    "cancel": (cancel, "отменить публикацию", "call a publication off"),
    "retry": (retry, "повторить неудавшуюся", "try a failed one again"),
    "resolve": (resolve, "сказать, чем кончилось неясное", "say how an uncertain one ended"),
    "stats": (stats, "числа: публикации, сводка, CSV", "numbers: of one, a summary, CSV"),
    "pause": (pause, "остановить (операторы)", "stop a platform, account or user (operators)"),
    "resume": (resume, "снять паузу (операторы)", "let it go on (operators)"),
    "pauses": (pauses, "что на паузе (операторы)", "list what is paused (operators)"),
    "doctor": (doctor, "что с сервисами", "how the services are"),
    "dead": (dead, "недоставленные сообщения сервиса", "a service's dead letters"),
    "keys": (keys, "какой ключ что запечатывает", "which key seals how much"),
    "reseal": (reseal, "перейти на текущий ключ", "move everything to the current key"),
}
HANDED_OVER = ("dead", "keys", "reseal")
EXIT_CODES = say(
    "Коды: 0 сделано; 1 не удалось или отказано; 2 неверная команда; 3 нет ответа или доступа; "
    "130 прервано.",
    "Exit codes: 0 done; 1 failed or refused; 2 wrong usage; 3 nobody answers or no access; "
    "130 interrupted.",
)
app = typer.Typer(
    help=say("Клипы в VK, Rutube, Дзен и Telegram.", "Clips to VK, Rutube, Дзен and Telegram."),
    epilog=EXIT_CODES,
    no_args_is_help=True,
)
for name, (function, ru, en) in HELP.items():
    settings = THROUGH if name in HANDED_OVER else None
    app.command(name, help=say(ru, en), context_settings=settings)(function)


def _url(service: Owner) -> Any:  # noqa: ANN401 - what typer makes of it
    told = say(f"адрес {service}", f"where {service} answers")
    return typer.Option(f"--{service}-url", envvar=variable(service), help=told)


@app.callback()
def _places(
    ctx: typer.Context,
    connections: Annotated[str | None, _url(Owner.CONNECTIONS)] = None,
    publisher: Annotated[str | None, _url(Owner.PUBLISHER)] = None,
    stats_collector: Annotated[str | None, _url(Owner.STATS_COLLECTOR)] = None,
    oauth_gateway: Annotated[str | None, _url(Owner.OAUTH_GATEWAY)] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            envvar="CLIPCAST_TOKEN_FILE",
            help=say(
                "файл с вашим токеном; или сам токен в CLIPCAST_TOKEN",
                "a file with your token; or the token itself in CLIPCAST_TOKEN",
            ),
        ),
    ] = None,
    up_file: Annotated[
        Path,
        typer.Option(
            envvar="CLIPCAST_UP_FILE",
            help=say("что сказал make up", "what make up told"),
            show_default=".local/up.json",
        ),
    ] = UP_FILE,
) -> None:
    token = os.environ.get("CLIPCAST_TOKEN")
    ctx.obj = Places(
        urls={
            Owner.CONNECTIONS: connections,
            Owner.PUBLISHER: publisher,
            Owner.STATS_COLLECTOR: stats_collector,
            Owner.OAUTH_GATEWAY: oauth_gateway,
        },
        token=SecretStr(token) if token else None,
        token_file=token_file,
        up_file=up_file,
    )


def main() -> int:
    """Run one command; its exit code. No failure ends in a traceback."""
    try:
        done = app(prog_name="clipcast", standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains
        return FAILED
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a sentence
        return _tell(_failure(error))
    return done if isinstance(done, int) else 0


def _failure(error: Exception) -> Failure:
    match error:
        case Failure():
            return error
        case typer.TyperException():
            return misread(error)
        case OSError():
            return Failure(USAGE, "usage", f"{error.filename or ''}: {error.strerror or error}")
        case _:  # an answer that no gateway of this version gives, or a mistake of ours
            return Failure(
                FAILED,
                "unforeseen",
                say("Команда не справилась", "The command could not cope")
                + f" ({type(error).__name__}: {error}).",
                say(
                    "Отвечают ли по этим адресам сервисы Clipcast той же версии?",
                    "Do Clipcast's services of the same version answer at these addresses?",
                ),
            )


def _tell(failure: Failure) -> int:
    output = Output(as_json="--json" in sys.argv)
    output.remark(*failure.lines)
    if output.as_json:
        output.document(failure.document)
    return failure.exit_code
