"""What may be told about a dead letter: everything but its content."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from pydantic import ValidationError

from common.bus.run import ATTEMPT
from common.bus.subscription import Queue
from common.contracts.envelope import Envelope

NOTHING = "-"
LONGEST = 120


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. Texts are printable and short, whatever the sender wrote."""

    message_id: str
    queue: str
    """Where it could not be handled."""
    why: str
    attempt: int
    bytes: int
    sha256: str
    body_kept: bool
    """An unreadable body is not kept; then nothing can be sent again."""
    since: datetime | None
    deaths: tuple[str, ...]
    """What RabbitMQ tells when it buried the message itself."""
    envelope: Envelope | None


def read(queue: Queue, message: AbstractIncomingMessage) -> Letter:
    """Read what our consumer wrote into the headers, or else what RabbitMQ did."""
    headers = message.headers
    deaths = _deaths(headers)
    ours = next((one for one in deaths if one.get("queue") == queue.name), None)
    attempt, size = headers.get(ATTEMPT), headers.get("x-body-bytes")
    digest = sha256(message.body).hexdigest()
    original = headers.get("x-body-sha256", digest)
    died = (ours or {}).get("time")
    return Letter(
        message_id=shown(message.message_id),
        queue=queue.name,
        why=shown(headers.get("x-why") or (ours or {}).get("reason")),
        attempt=attempt if isinstance(attempt, int) else 0,
        bytes=size if isinstance(size, int) else len(message.body),
        sha256=shown(original),
        body_kept=original == digest,
        since=died if isinstance(died, datetime) else message.timestamp,
        deaths=tuple(_summed_up(one) for one in deaths),
        envelope=_envelope(message.body),
    )


def shown(value: object) -> str:
    """A word that fits in a line and moves no cursor; `-` for nothing."""
    text = "" if value is None else str(value)
    return "".join(one if one.isprintable() and one != " " else "?" for one in text[:LONGEST]) or (
        NOTHING
    )


def _deaths(headers: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    told = headers.get("x-death")
    return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []


def _summed_up(death: Mapping[str, Any]) -> str:
    return f"{shown(death.get('reason'))} in {shown(death.get('queue'))} ×{death.get('count')}"


def _envelope(body: bytes) -> Envelope | None:
    try:
        return Envelope.model_validate_json(body)
    except ValidationError:
        return None
