"""`clipcast publish`: one clip to many places, once, however often the command is run."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli import asked, shown
from cli.asked import Json
from cli.failures import FAILED, INTERRUPTED, Failure, Refused, Silent
from cli.following import advice, exit_code, follow
from cli.gateways import UPLOADING, Gateways
from cli.language import say
from cli.output import Output
from cli.wanted import Wanted
from cli.words import Status, platforms

PIECE = 1 << 20
MOST = 200
OUT = frozenset({Status.PUBLISHED, Status.SCHEDULED, Status.PUBLISHING, Status.UNCERTAIN})
"""What people see, or may yet."""
UNSETTLED = frozenset({Status.PUBLISHING, Status.UNCERTAIN})


def publish(
    ctx: typer.Context,
    clip: Annotated[Path, typer.Argument(help=say("файл MP4 или MOV", "an MP4 or MOV file"))],
    to: Annotated[
        list[str],
        typer.Option(
            help=say(
                "площадки или id аккаунтов через запятую", "platforms or account ids, by commas"
            ),
            autocompletion=platforms,
        ),
    ],
    title: Annotated[str, typer.Option(help=say("название", "the title"))],
    description: Annotated[str, typer.Option(help=say("описание", "the description"))] = "",
    at: Annotated[str | None, typer.Option(help=say("когда: ", "when: ") + asked.FORM)] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help=say(
                "Idempotency-Key; по умолчанию вычисляется из файла, текстов, времени и площадок",
                "the Idempotency-Key; by default made of the file, texts, time and platforms",
            )
        ),
    ] = None,
    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait/--no-wait",
            help=say("ждать конца (без --at: да)", "wait for the end (without --at: yes)"),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish a clip, now or at a time."""
    output = Output(as_json=as_json)
    wanted = Wanted(
        clip=asked.file(clip),
        targets=asked.targets(to),
        title=title,
        description=description,
        at=asked.instant(at),
        given_key=asked.key(key) if key is not None else None,
        sha256=_digest(clip),
    )
    output.remark(say("Ключ: ", "Key: ") + wanted.key)
    with Gateways(ctx.obj) as gateways:
        rows = _accepted(gateways, output, wanted)
        if wait if wait is not None else at is None:
            rows = follow(gateways, output, rows)
        output.remark(*advice(rows))
        if as_json:
            output.document({"key": wanted.key, "publications": rows})
        else:
            for one in rows:
                output.line(shown.line(one))
    raise typer.Exit(exit_code(rows))


def _accepted(gateways: Gateways, output: Output, wanted: Wanted) -> list[dict[str, Any]]:
    """The publications of this key: those of an earlier run, or new ones. Raises Failure."""
    try:
        if rows := _earlier(gateways, output, wanted):
            return rows
        body = wanted.body(_upload(gateways, output, wanted))
        try:
            told = gateways.once("publisher", "/v1/publications", wanted.key, body)
            accepted: list[dict[str, Any]] = told["publications"]
        except Refused as refusal:
            # Another run was faster, with an upload of its own.
            if refusal.code == "idempotency_mismatch" and (
                rows := _earlier(gateways, output, wanted)
            ):
                return rows
            raise
    except KeyboardInterrupt:
        cut = say("Прервано до ответа.", "Interrupted before the answer.")
        raise Failure(INTERRUPTED, "interrupted", cut, *_same_again(wanted)) from None
    except Silent as failure:
        failure.lines = (*failure.lines, *_same_again(wanted))
        raise
    except Refused as refusal:
        if refusal.code == "duplicate_publication":
            refusal.lines = (*refusal.lines, *_instead(wanted))
        raise
    return accepted


def _earlier(gateways: Gateways, output: Output, wanted: Wanted) -> list[dict[str, Any]]:
    """What was accepted of just this. Raises Refused when something else stands in its way."""
    known = _of_clip(gateways, wanted.clip_id)
    rows = wanted.among(known)
    if wanted.given_key:
        if known and len(rows) != len(known):
            raise _another_wish(known)
        barring = [] if rows else _of_clip(gateways, wanted.first_clip_id)
        barring = wanted.to_the_same(barring, UNSETTLED)
    else:
        barring = [] if rows else wanted.to_the_same(known, OUT)
    if barring:
        raise _there_already(barring)
    if rows:
        output.remark(
            say(
                "Это уже принято раньше. Ещё раз то же самое: --key с другим ключом.",
                "Accepted before. To post it again: --key with another key.",
            )
        )
    return rows


def _of_clip(gateways: Gateways, clip_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = gateways.page(
        "publisher", "/v1/publications", MOST, clip_id=clip_id
    )["items"]
    return items


def _another_wish(known: list[dict[str, Any]]) -> Refused:
    return Refused(
        FAILED,
        "idempotency_mismatch",
        say(
            "Под этим ключом принято другое. Дайте другой --key или повторите те же слова:",
            "Something else was accepted under this key. Take another --key or repeat the words:",
        ),
        *(f"  {shown.line(one)}  {one['title']}" for one in known),
        also={"publications": known},
    )


def _there_already(barring: list[dict[str, Any]]) -> Refused:
    return Refused(
        FAILED,
        "duplicate_publication",
        say("Этот клип туда уже отправлен:", "This clip was sent there already:"),
        *(f"  {shown.line(one)}  {one['title']}" for one in barring),
        also={"publications": barring},
    )


def _instead(wanted: Wanted) -> list[str]:
    """What to do about a clip that is on its way already."""
    lines = [
        say(
            "Посмотреть: clipcast show ID. Отменить, пока не вышел: clipcast cancel ID. "
            "О неясном сказать: clipcast resolve ID. В другие места: --to только с ними.",
            "Look: clipcast show ID. Call it off while it is not out: clipcast cancel ID. "
            "Settle an uncertain one: clipcast resolve ID. To other places: --to with those alone.",
        )
    ]
    if not wanted.given_key:
        lines.append(
            say("Вышедший всё же ещё раз: --key КЛЮЧ", "Post one that is out again: --key KEY")
        )
    return lines


def _same_again(wanted: Wanted) -> list[str]:
    told = say(
        "Та же команда продолжит и не опубликует дважды.",
        "The same command goes on and posts nothing twice.",
    )
    return [told, say(f"Ключ: {wanted.key}", f"Key: {wanted.key}")]


def _upload(gateways: Gateways, output: Output, wanted: Wanted) -> str:
    """Send the file; its key in the store. Raises Failure."""
    size = wanted.clip.stat().st_size
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=output.people,
    )
    with bar, wanted.clip.open("rb") as file:
        task = bar.add_task(say("отправка файла", "sending the file"), total=size)

        def pieces() -> Iterator[bytes]:
            while piece := file.read(PIECE):
                yield piece
                bar.advance(task, len(piece))

        kept = gateways.ask(
            "publisher",
            "PUT",
            "/v1/media/clip" + _suffix(wanted.clip),
            content=pieces(),
            headers={"Content-Length": str(size)},
            timeout=UPLOADING,
        )
    if kept["sha256"] != wanted.sha256:
        raise Failure(
            FAILED,
            "media_changed",
            say(
                f"Файл {wanted.clip} изменился во время отправки. Повторите команду.",
                f"The file {wanted.clip} changed while it was sent. Run the command again.",
            ),
        )
    return str(kept["key"])


def _suffix(clip: Path) -> str:
    """The name stays here: it may be private, and nobody is shown it."""
    return clip.suffix if clip.suffix.lower() in (".mp4", ".mov", ".m4v") else ".mp4"


def _digest(clip: Path) -> str:
    with clip.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
