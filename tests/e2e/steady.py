"""Somebody who publishes all the time, whatever is being restarted just now."""

import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from chaos.history import Accepted
from localrun.environment import TREE
from localrun.person import Person, Refused

CLIP = TREE / "deploy/local/clip.mp4"
EVERY = 1.0
"""Seconds between two requests."""
AGAIN = 0.1
PATIENCE = 60.0


class Steady(threading.Thread):
    """Asks for a publication on each of the connections, one after the other, and looks at it.

    A request that no process took, or whose answer was cut off, is made again with its key, as any
    client behind a load balancer would do; every other refusal ends the load and is raised.
    """

    def __init__(self, person: Person, connections: Sequence[dict[str, Any]]) -> None:
        super().__init__(daemon=True)
        self.accepted: list[Accepted] = []
        self.unanswered = 0
        """How often a request had to be made again."""
        self.longest = 0.0
        """Seconds until one request was answered at last."""
        self._person = person
        self._connections = connections
        self._key: str = person.upload(CLIP)["key"]
        self._over = threading.Event()
        self._wrong: BaseException | None = None

    def run(self) -> None:
        """Until it is over."""
        try:
            for number in count():
                self._publish(number)
                if self._over.wait(EVERY):
                    return
        except BaseException as error:  # noqa: BLE001 - raised in `end`
            self._wrong = error

    def end(self) -> list[Accepted]:
        """No more requests; what was accepted. Raises what a request was refused with."""
        self._over.set()
        self.join(PATIENCE)
        if self._wrong is not None:
            raise self._wrong
        return self.accepted

    def _publish(self, number: int) -> None:
        title = f"rolling {number:04d}"
        target = self._connections[number % len(self._connections)]
        body = {
            "clip_id": title,
            "media": {"key": self._key},
            "title": title,
            "targets": [{"connection_id": target["id"]}],
        }
        key = {"Idempotency-Key": str(uuid4())}
        publish = self._person.ask
        made = self._surely(
            lambda: publish("publisher", "POST", "/v1/publications", json=body, headers=key)
        )
        accepted: str = made["publications"][0]["id"]
        self.accepted.append(Accepted(accepted, title))
        self._surely(lambda: self._person.look(accepted))
        self._surely(lambda: self._person.ask("connections", "GET", "/v1/connections"))

    def _surely(self, ask: Callable[[], Any]) -> Any:
        """Ask until somebody answers."""
        began = time.monotonic()
        while True:
            try:
                return ask()
            except (Refused, httpx.TransportError) as error:
                if not _of_a_restart(error) or time.monotonic() - began > PATIENCE:
                    raise
            finally:
                self.longest = max(self.longest, time.monotonic() - began)
            self.unanswered += 1
            self._over.wait(AGAIN)


def _of_a_restart(error: Refused | httpx.TransportError) -> bool:
    """Nobody listens, the connection was cut, or the first try of the same is still under way."""
    if isinstance(error, Refused):
        return error.status == 503 or error.problem.get("code") == "idempotency_in_flight"
    return not isinstance(error, httpx.TimeoutException)
