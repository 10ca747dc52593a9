"""Moments at which a process can be made to die, freeze, fail or hang, to see what is left of it.

Off unless FAILPOINTS names a folder. An order is a file in there: named like a point, and holding
what shall happen: `kill9`, `stop` (until SIGCONT), `raise` or `sleep 1.5` (the whole process). The
first process that passes the point takes the file, as `fired/<point>.<pid>.<time in ns>`.
"""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

FOLDER = os.environ.get("FAILPOINTS")
POINTS: Mapping[str, str] = {
    "relay.leased": "outbox rows are leased; none was published",
    "relay.published": "outbox rows were published; none is marked as sent",
    "bus.reacted": "a reaction is committed; its message is not acknowledged",
    "bus.retrying": "a handler raised; its message is not yet in the retry queue",
    "bus.retried": "a message is in the retry queue; its original is not acknowledged",
    "bus.burying": "a message can't be handled; it is not yet in the dead-letter queue",
    "connections.granted": "the gateway keeps an account's tokens; the connection has no row yet",
    "connections.linked": "a connection and its fact are committed; its owner is not answered",
    "connections.disconnected": "a connection is removed and told; its owner is not answered",
    "oauth-gateway.exchanged": "a code was traded for tokens; they are stored nowhere",
    "oauth-gateway.verified": "a pasted token was proven at the platform; it is stored nowhere",
    "oauth-gateway.refreshing": "a refresh has its lease; the platform was not asked",
    "oauth-gateway.refreshed": "the platform gave a new pair of tokens; it is stored nowhere",
    "oauth-gateway.stored": "a new pair of tokens is committed; nobody was answered",
    "oauth-gateway.revoking": "a removed grant is claimed; the platform was not told",
    "oauth-gateway.revoked": "a removed grant was given back, if that could be; it is not erased",
    "stats-collector.claimed": "posts are claimed for sampling; the platform was not asked",
    "stats-collector.answered": "the platform told the numbers of posts; none is recorded",
    "publisher.accepted": "publications are committed; the one who asked is not answered",
    "publisher.cancelled": "a cancel's verdict is committed; the one who asked is not answered",
    "publisher.started": "scheduled publications are started, with their calls in the outbox",
    "publisher.calling": "calls for unattended publications are written; they are not committed",
    "publisher.claiming": "a publication is being claimed; the claim is not committed",
    "publisher.claimed": "a claim is committed; its message is not acknowledged",
    "publisher.working": "a call is acknowledged; the attempt has only just begun",
    "publisher.begun": "a step is marked as begun; nothing was sent",
    "publisher.uploading": "a part of the clip was sent; the rest was not",
    "publisher.answered": "the platform answered a step; nothing of it is recorded",
    "publisher.recorded": "the result of a step is committed; nothing was done after it",
    "publisher.looked": "the platform told what became of a step; nothing of it is recorded",
    "publisher.undone": "the platform took a step back; that is not recorded",
    "publisher.renewing": "a worker's lease is about to be renewed",
}
"""The moments, each with what was done and what was not."""


class Failpoint(Exception):
    """What `raise` raises; it carries the point's name."""


def failpoint(name: str) -> None:
    """Do what was ordered for this point of POINTS; nothing is known of orders when it is off."""
    if FOLDER:
        _reach(Path(FOLDER), name)


def _reach(folder: Path, name: str) -> None:
    if name not in POINTS:
        raise LookupError(f"{name} is not in POINTS")
    order = folder / name
    fired = folder / "fired"
    try:
        if not order.stat().st_size:  # its writer has only just made it
            return
        fired.mkdir(exist_ok=True)
        taken = order.rename(fired / f"{name}.{os.getpid()}.{time.time_ns()}")
    except FileNotFoundError:  # no order, or somebody else took it
        return
    _do(name, taken.read_text())


def _do(name: str, action: str) -> None:
    match action.split():
        case ["kill9"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["stop"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        case ["raise"]:
            raise Failpoint(name)
        case ["sleep", seconds]:
            time.sleep(float(seconds))
        case _:
            raise ValueError(f"{name}: there is no action {action!r}")
