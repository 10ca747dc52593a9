"""What a service's user may do on the broker, computed from what the service tells and hears.

`python -m <package> topology` gives it, through RabbitMQ's management API, to the user that
RABBITMQ_URL names; `--rights` prints it for whoever gives rights by other means.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

import httpx
from pydantic import SecretStr

from common.bus.subscription import Queue, dead_exchange, exchange, retry_exchange
from common.contracts.catalogue import EVENTS

NOTHING = "^$"


@dataclass(frozen=True, slots=True)
class Topics:
    """With which routing keys the service may tell facts."""

    exchange: str
    write: str
    read: str = NOTHING


@dataclass(frozen=True, slots=True)
class Rights:
    """Patterns of RabbitMQ's permissions.

    Nothing may be declared, and only what is the service's own written: through the default
    exchange any queue could be.
    """

    write: str
    read: str
    topics: Topics
    configure: str = NOTHING


def needed(service: str, queues: Sequence[Queue]) -> Rights:
    """Its events, retries and dead letters out; its queues, and those of the dead, in."""
    told = [event.type for event in EVENTS if event.source == service]
    return Rights(
        write=_any(exchange(service), retry_exchange(service), dead_exchange(service)),
        read=_any(*(name for queue in queues for name in (queue.name, queue.dead))),
        topics=Topics(exchange(service), _any(*told, suffix=r"(\.\w+)?")),
    )


def grant(management: str, admin: SecretStr, user: SecretStr, rights: Rights) -> None:
    """Make the user of the URL `user`, with its password, and let it do this and nothing else.

    An installation whose services work as the administrator keeps them so.
    """
    boss, one = urlsplit(admin.get_secret_value()), urlsplit(user.get_secret_value())
    if one.username in {None, boss.username}:
        return
    name, vhost = _word(one.username), quote(unquote(one.path[1:]) or "/", safe="")
    here = f"{vhost}/{quote(name, safe='')}"
    topics = rights.topics
    wanted = {
        f"/api/users/{quote(name, safe='')}": {"password": _word(one.password), "tags": ""},
        f"/api/permissions/{here}": {
            "configure": rights.configure,
            "write": rights.write,
            "read": rights.read,
        },
        f"/api/topic-permissions/{here}": {
            "exchange": topics.exchange,
            "write": topics.write,
            "read": topics.read,
        },
    }
    with _client(management, boss) as client:
        for path, body in wanted.items():
            client.put(path, json=body).raise_for_status()


def _client(management: str, boss: SplitResult) -> httpx.Client:
    login = (_word(boss.username), _word(boss.password))
    return httpx.Client(base_url=management, auth=login, timeout=10, trust_env=False)


def _word(value: str | None) -> str:
    return unquote(value or "")


def _any(*names: str, suffix: str = "") -> str:
    return f"^({'|'.join(re.escape(name) for name in names)}){suffix}$" if names else NOTHING
