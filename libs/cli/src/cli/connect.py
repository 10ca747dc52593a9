"""`clipcast connect`: by the platform's own page, or by a token that nobody sees typed."""

import getpass
import os
import re
import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import typer

from cli import asked, shown
from cli.asked import Json
from cli.failures import FAILED, Failure, usage
from cli.gateways import Gateways
from cli.language import say
from cli.output import Output
from cli.places import read_secret
from common.contracts.words import Platform

FINISH = re.compile(r"[A-Za-z0-9_-]{1,200}")
STDIN = Path("-")


def connect(
    ctx: typer.Context,
    platform: Platform,
    channel: Annotated[
        str | None,
        typer.Option(
            help=say("канал Telegram: @имя или -100…", "Telegram's channel: @name or -100…")
        ),
    ] = None,
    secret: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            help=say(
                "файл с токеном; иначе CLIPCAST_RUTUBE_TOKEN, CLIPCAST_TELEGRAM_TOKEN или вопрос",
                "a file with the token; else CLIPCAST_RUTUBE_TOKEN, CLIPCAST_TELEGRAM_TOKEN or a "
                "question",
            ),
        ),
    ] = None,
    renew: Annotated[
        str | None,
        typer.Option(help=say("id аккаунта, чей доступ истёк", "an expired account's id")),
    ] = None,
    browse: Annotated[
        bool, typer.Option("--open", help=say("открыть страницу в браузере", "open the page"))
    ] = False,
    begin: Annotated[
        bool, typer.Option("--begin", help=say("только сказать адрес", "only tell the address"))
    ] = False,
    finish: Annotated[
        str | None,
        typer.Option(
            help=say(
                "закончить начатое: адрес, на котором остановился браузер, или finish из него",
                "end what was begun: the address where the browser ended, or its finish",
            )
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Connect an account: VK and Дзен by consent, Rutube and Telegram by a token."""
    output = Output(as_json=as_json)
    with Gateways(ctx.obj) as gateways:
        if finish is None and _by_token(gateways, platform):
            found = _token(gateways, output, platform, channel, secret)
        elif finish is None:
            started = _begin(gateways, platform, renew)
            if begin:
                _tell_address(output, started)
                return
            output.remark(
                say("Откройте и разрешите доступ:", "Open this and allow access:"),
                started["authorize_url"],
            )
            if browse:
                webbrowser.open(started["authorize_url"])
            found = _finish(gateways, _ask_finish(output))
        else:
            found = _finish(gateways, finish)
    if as_json:
        output.document(found)
    else:
        output.show(shown.accounts([found]))


def _by_token(gateways: Gateways, platform: Platform) -> bool:
    known = gateways.ask("connections", "GET", "/v1/platforms")["items"]
    for one in known:
        if one["platform"] == platform:
            return bool(one["connect"] == "token")
    raise Failure(
        FAILED,
        "platform_off",
        say(f"Площадка {platform} здесь выключена.", f"{platform} is switched off here."),
    )


def _token(
    gateways: Gateways,
    output: Output,
    platform: Platform,
    channel: str | None,
    secret: Path | None,
) -> dict[str, Any]:
    body: dict[str, Any] = {"platform": platform}
    if platform is Platform.TELEGRAM:
        if not channel:
            raise usage(say("Укажите канал: --channel @имя", "Name the channel: --channel @name"))
        body["channel"] = channel
    body["token"] = _secret(output, platform, secret)
    found: dict[str, Any] = gateways.ask("connections", "POST", "/v1/connections", json=body)
    return found


def _secret(output: Output, platform: Platform, secret: Path | None) -> str:
    """From a file, the environment, a pipe or a hidden answer: an argument would be seen in ps."""
    if secret is not None and secret != STDIN:
        return read_secret(secret)
    variable = (
        f"CLIPCAST_{platform.upper()}_TOKEN"  # each its own, or one platform gets the other's
    )
    if secret is None and (given := os.environ.get(variable)):
        return given.strip()
    question = say(f"Токен {platform} (не виден): ", f"{platform} token (not shown): ")
    if secret is None and sys.stdin.isatty():
        given = getpass.getpass(question)
    else:
        given = sys.stdin.readline()
    if not given.strip():
        raise usage(
            say(
                f"Токена нет. Введите его, или --token-file ФАЙЛ, или {variable}.",
                f"There is no token. Type it, or use --token-file FILE, or {variable}.",
            )
        )
    output.remark(say("Проверяем токен …", "Checking the token …"))
    return given.strip()


def _begin(gateways: Gateways, platform: Platform, renew: str | None) -> dict[str, Any]:
    body = {"connection_id": asked.identity(renew)} if renew else {}
    started: dict[str, Any] = gateways.ask(
        "connections", "POST", f"/v1/connections/{platform}/authorize", json=body
    )
    return started


def _tell_address(output: Output, started: dict[str, Any]) -> None:
    if output.as_json:
        output.document(started)
    else:
        output.line(started["authorize_url"])


def _ask_finish(output: Output) -> str:
    output.remark(
        say(
            "Если браузер вернулся на ваш продукт, аккаунт подключит он. Иначе вставьте адрес, "
            "на котором браузер остановился (или finish из него), за 5 минут:",
            "If the browser came back to your product, that connects the account. Else paste the "
            "address where the browser ended (or its finish) within 5 minutes:",
        )
    )
    return sys.stdin.readline()


def _finish(gateways: Gateways, word: str) -> dict[str, Any]:
    body = {"finish": finish_id(word)}
    found: dict[str, Any] = gateways.ask("connections", "POST", "/v1/connections/finish", json=body)
    return found


def finish_id(word: str) -> str:
    """The id in the address that the browser brought back, or the id itself. Raises Failure."""
    found = word.strip()
    if "?" in found:
        query = parse_qs(urlsplit(found).query)
        if error := query.get("error"):
            raise Failure(FAILED, error[0], _refusal(error[0]))
        found = query.get("finish", [""])[0]
    if not FINISH.fullmatch(found):
        raise usage(
            say(
                "Нужен адрес вида https://…/?platform=vk&finish=… или само значение finish.",
                "It looks like https://…/?platform=vk&finish=…, or is the value of finish alone.",
            )
        )
    return found


def _refusal(code: str) -> str:
    texts = {
        "access_denied": say("Доступ не был разрешён.", "Access was not granted."),
        "state_invalid": say("Ссылка устарела.", "The link is stale."),
        "platform_unavailable": say("Площадка недоступна.", "The platform is unavailable."),
    }
    again = say("Начните подключение заново.", "Start connecting again.")
    return f"{texts.get(code, code)} {again}"
