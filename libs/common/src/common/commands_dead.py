"""`python -m <package> dead list|show|replay|drop`: a service's dead letters, by hand.

Standard output holds the result alone, so that `--json` can be piped; remarks go to stderr.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

from aio_pika.abc import AbstractConnection
from pydantic import SecretStr

from common.bus import dead
from common.bus.letter import NOTHING, Letter, shown
from common.bus.subscription import Queue
from common.observe import logs

LIMIT = 100


def arguments(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Declare the subcommands; `names` are the service's queues."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    listed = verbs.add_parser("list", help="one line a message; changes nothing")
    listed.add_argument(
        "--limit",
        type=_limit,
        default=LIMIT,
        help="the most messages to show of each queue (default: %(default)s)",
    )
    one = verbs.add_parser("show", help="all that is known of a message but its content")
    one.add_argument("message_id")
    for verb in (listed, one):
        verb.add_argument("--json", action="store_true", help="one JSON object a line")
    replayed = verbs.add_parser("replay", help="send it to its queue again and take it out")
    dropped = verbs.add_parser("drop", help="remove it for good")
    for verb in (replayed, dropped):
        which = verb.add_mutually_exclusive_group(required=True)
        which.add_argument("message_id", nargs="?")
        which.add_argument("--all", action="store_true", help="every message that waits now")
    for verb in (listed, one, replayed, dropped):
        verb.add_argument(
            "--queue",
            type=lambda name: name.removesuffix(".dead"),
            choices=names,
            help="only this queue",
        )


def configure_logs(service: str, command: str) -> None:
    """Log lines go to stderr; the client library is silent, as what fails is said in one line."""
    with redirect_stdout(sys.stderr):
        logs.configure(service, command)
    for library in ("aio_pika", "aiormq"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


def run(url: SecretStr, queues: Sequence[Queue], chosen: argparse.Namespace) -> int:
    """Do what the command line says; the exit code."""
    wanted = [queue for queue in queues if chosen.queue in {None, queue.name}]
    try:
        return asyncio.run(_run(url, wanted, chosen))
    except dead.Refused as error:
        return _complain(str(error))


async def _run(url: SecretStr, queues: Sequence[Queue], chosen: argparse.Namespace) -> int:
    async with dead.opened(url) as connection:
        match chosen.verb:
            case "list":
                return await _list(connection, queues, chosen)
            case "show":
                return await _show(connection, queues, chosen)
            case "replay":
                return await _replay(connection, queues, chosen.message_id)
            case _:
                return await _drop(connection, queues, chosen.message_id)


async def _list(
    connection: AbstractConnection, queues: Sequence[Queue], chosen: argparse.Namespace
) -> int:
    seen = 0
    for queue in queues:
        letters, more = await dead.look(connection, queue, chosen.limit)
        seen += len(letters) + more
        for letter in letters:
            _say(json.dumps(brief(letter)) if chosen.json else _line(letter))
        if more:
            _remark(f"{more} more in {queue.name}: see them with --limit")
    if not seen:
        (_remark if chosen.json else _say)("no dead letters")
    return 0


async def _show(
    connection: AbstractConnection, queues: Sequence[Queue], chosen: argparse.Namespace
) -> int:
    """Twins have the same id: all of them."""
    found = False
    for queue in queues:
        for letter in (await dead.look(connection, queue))[0]:
            if letter.message_id == chosen.message_id:
                if found and not chosen.json:
                    _say("")
                found = True
                known = whole(letter)
                _say(json.dumps(known) if chosen.json else _block(known))
    return 0 if found else _unknown(chosen.message_id)


async def _replay(
    connection: AbstractConnection, queues: Sequence[Queue], message_id: str | None
) -> int:
    seen: list[Letter] = []

    def tell(letter: Letter) -> None:
        seen.append(letter)
        if letter.body_kept:
            _say(f"replayed {letter.message_id} to {letter.queue}")
        else:
            _remark(
                f"{letter.message_id} in {letter.queue} can't be replayed: "
                f"its body could not be read ({letter.why}) and was not kept"
            )

    for queue in queues:
        await dead.replay(connection, queue, message_id, tell)
    if not seen:
        return _none(message_id)
    return 0 if all(letter.body_kept for letter in seen) else 1


async def _drop(
    connection: AbstractConnection, queues: Sequence[Queue], message_id: str | None
) -> int:
    seen: list[Letter] = []

    def tell(letter: Letter) -> None:
        seen.append(letter)
        _say(f"dropped {letter.message_id} from {letter.queue}")

    for queue in queues:
        await dead.drop(connection, queue, message_id, tell)
    return 0 if seen else _none(message_id)


def brief(letter: Letter) -> dict[str, Any]:
    """What a line of `list` holds."""
    envelope = letter.envelope
    return {
        "message_id": letter.message_id,
        "queue": letter.queue,
        "why": letter.why,
        "attempt": letter.attempt,
        "type": shown(envelope and envelope.type),
        "subject": shown(envelope and envelope.subject),
        "bytes": letter.bytes,
        "since": letter.since.isoformat() if letter.since else NOTHING,
    }


def whole(letter: Letter) -> dict[str, Any]:
    """What `show` tells: the same, how it died, and the envelope around the content."""
    envelope = letter.envelope
    known = brief(letter) | {
        "sha256": letter.sha256,
        "body_kept": letter.body_kept,
        "deaths": list(letter.deaths),
    }
    if envelope:
        known |= {
            "id": str(envelope.id),
            "time": envelope.time.isoformat(),
            "correlationid": shown(envelope.correlationid),
            "traceparent": shown(envelope.traceparent),
            "aggregateversion": envelope.aggregateversion,
        }
    return known


def _line(letter: Letter) -> str:
    known = brief(letter)
    message_id, queue = known.pop("message_id"), known.pop("queue")
    return " ".join((message_id, queue, *(f"{name}={value}" for name, value in known.items())))


def _block(known: dict[str, Any]) -> str:
    words = {True: "yes", False: "no"}
    return "\n".join(
        f"{name}: {words[value] if isinstance(value, bool) else _joined(value)}"
        for name, value in known.items()
    )


def _joined(value: object) -> str:
    return (", ".join(value) or NOTHING) if isinstance(value, list) else str(value)


def _limit(value: str) -> int:
    if value.isdigit() and 1 <= int(value) <= dead.DEEPEST:
        return int(value)
    raise argparse.ArgumentTypeError(f"a number from 1 to {dead.DEEPEST}")


def _none(message_id: str | None) -> int:
    if message_id is not None:
        return _unknown(message_id)
    _say("no dead letters")
    return 0


def _unknown(message_id: str) -> int:
    return _complain(
        f"no dead letter has the id {message_id} (while somebody else looks at a queue, "
        "its letters can't be seen: ask again)"
    )


def _complain(text: str) -> int:
    _remark(text)
    return 1


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the result of a command


def _remark(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the other half of a command's answer
