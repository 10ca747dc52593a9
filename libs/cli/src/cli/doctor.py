"""`clipcast doctor`: what a service finds missing in its environment; whether gateways answer."""

import json
import subprocess
from collections.abc import Sequence
from typing import Annotated, Any

import httpx
import typer

from cli.asked import Json
from cli.failures import FAILED, Failure
from cli.gateways import Gateways
from cli.handing import command
from cli.language import say
from cli.output import Output, folded, row, table
from cli.places import how_to_set
from cli.words import Owner

SECONDS = 60.0
Check = dict[str, Any]


def doctor(
    ctx: typer.Context,
    service: Annotated[
        Owner | None,
        typer.Argument(
            help=say(
                "чьё это окружение; без него только шлюзы",
                "whose environment this is; without one the gateways alone",
            )
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the settings and dependencies of the service whose environment this is, and whether
    it answers; without one, whether all gateways answer."""
    output = Output(as_json=as_json)
    with Gateways(ctx.obj) as gateways:
        if service:
            checks = [*own_checks(service), _ready(gateways, service)]
        else:
            checks = [_ready(gateways, one) for one in Owner] + [_not_here(one) for one in Owner]
    good = all(_well(one) for one in checks)
    if as_json:
        output.document({"ok": good, "checks": checks})
    else:
        _tell(output, checks)
    raise typer.Exit(0 if good else FAILED)


def own_checks(service: Owner) -> list[Check]:
    """What its own doctor finds, in a process of its own."""
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and package
            command(service, "doctor", "--json"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        why = say(f"нет ответа за {SECONDS:.0f} с", f"no answer within {SECONDS:.0f} s")
        return [_bad(service, "doctor", why, _by_hand(service))]
    try:
        checks = [
            {
                "service": str(service),
                "check": one["name"],
                "ok": one["ok"],
                "detail": one["detail"],
                "mend": one["mend"],
            }
            for one in json.loads(done.stdout)["checks"]
        ]
    except (ValueError, KeyError, TypeError):
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else say("ничего не сказал", "said nothing")
        return [_bad(service, "doctor", why, _by_hand(service))]
    if done.returncode and all(_well(one) for one in checks):
        why = say(f"код {done.returncode}", f"exit code {done.returncode}")
        checks.append(_bad(service, "doctor", why, _by_hand(service)))
    return checks


def _well(one: Check) -> bool:
    """The rule of the services' doctors: what could not be asked though it has to be has a mend."""
    return one["ok"] is True or (one["ok"] is None and not one["mend"])


def _by_hand(service: Owner) -> str:
    return f"python -m {service.package} doctor"


def _not_here(service: Owner) -> Check:
    """Four services read the same names of variables, so one environment fits one of them."""
    told = say(
        f"не спрошено: clipcast doctor {service} там, где он работает (make up: make doctor)",
        f"not asked: clipcast doctor {service} where it runs (make up: make doctor)",
    )
    return _found(service, "doctor", None, told, "")


def _ready(gateways: Gateways, service: Owner) -> Check:
    try:
        url = gateways.places.url(service)
        answer = httpx.get(f"{url}/readyz", timeout=10, trust_env=False)
        told = answer.json()
        bad = [f"{name}: {one['detail']}" for name, one in told["checks"].items() if not one["ok"]]
        if told["ready"]:
            return _found(service, "readyz", True, ", ".join([url, *bad]), "")
        mend = say("Смотрите журнал сервиса: make logs", "See the service's log: make logs")
        return _bad(service, "readyz", ", ".join([url, *bad]), mend)
    except Failure as failure:
        return _bad(service, "readyz", failure.lines[0], how_to_set(service))
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = say("не отвечает", "does not answer")
        return _bad(service, "readyz", f"{url} {why} ({type(error).__name__})", how_to_set(service))


def _bad(service: Owner, name: str, detail: str, mend: str) -> Check:
    return _found(service, name, False, detail, mend)


def _found(service: Owner, name: str, good: bool | None, detail: str, mend: str) -> Check:
    return {"service": str(service), "check": name, "ok": good, "detail": detail, "mend": mend}


def _tell(output: Output, checks: Sequence[Check]) -> None:
    marks = {True: "ok", False: say("ПЛОХО", "BAD"), None: "?"}
    grid = table(
        say("сервис", "service"),
        say("проверка", "check"),
        "",
        folded(say("что найдено", "found")),
        folded(say("что сделать", "what to do")),
    )
    for one in checks:
        mend = "" if one["ok"] else one["mend"]
        row(grid, one["service"], one["check"], marks[one["ok"]], one["detail"], mend or "")
    output.show(grid)
