"""People who publish, cancel, try again, leave and come back, whatever happens around them.

Each is a thread with one thing to do at a time, so a person whose request hangs does nothing else
meanwhile, as in reality. A request whose answer was lost is made again with the same key.
"""

import heapq
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from chaos.book import Book
from chaos.plan import PLATFORMS, Ask
from chaos.system import Sandbox
from localrun.person import Person, Refused

PATIENCE = 10.0
"""Seconds until an answer counts as lost."""
PAUSE = 0.4
RETRY_LOOK = 3.0
STAY = 8.0
"""Seconds that a restless person stays connected, at most."""
MOST_RETRIES = 2
TRANSIENT = {"idempotency_in_flight", "rate_limited"}
RECONNECT = {"connection_expired", "not_connected", "not_found"}


class GaveUp(Exception):
    """The run is over."""


class Individual:
    """One person with an account on each of some platforms."""

    def __init__(
        self,
        person: Person,
        sandbox: Sandbox,
        book: Book,
        clips: tuple[Path, Path],
        *,
        seed: int,
        over: threading.Event,
    ) -> None:
        self.accounts: dict[str, dict[str, Any]] = {}
        self._person = person
        self._sandbox = sandbox
        self._book = book
        self._clips = clips
        self._random = random.Random(seed)
        self._over = over
        self._connections: dict[str, str] = {}
        self._media: list[str] = []
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._retries: dict[str, int] = {}

    def arrive(self, platforms: Sequence[str] = PLATFORMS) -> None:
        """Connect an account of each platform and upload the clips."""
        for platform in platforms:
            self.accounts[platform] = self._sandbox.account(platform)
            self.connect(platform)
        for clip in self._clips:
            kept: dict[str, Any] = self._surely(lambda clip=clip: self._person.upload(clip))  # type: ignore[misc] # a default binds the clip
            self._media.append(kept["key"])

    def connect(self, platform: str) -> None:
        """Connect the platform's account, again if need be; a flow that breaks is begun anew."""
        account = self.accounts[platform]

        def walk() -> dict[str, Any]:
            match platform:
                case "vk" | "dzen":
                    return self._person.connect_by_consent(platform, account["account"])
                case "rutube":
                    return self._person.connect_by_token(platform, account["token"])
                case _:
                    channel = account["channel"]
                    return self._person.connect_by_token(
                        platform, account["token"], channel=channel
                    )

        self._connections[platform] = self._surely(walk, broken=True)["id"]

    def live(self, plan: Sequence[Ask]) -> None:
        """Do what was planned and what follows from it, until all of it is done."""
        began = time.monotonic()
        for ask in plan:
            self._later(began + ask.at, lambda ask=ask: self._publish(ask))  # type: ignore[misc] # a default binds the request
        self._later(began + RETRY_LOOK, self._try_again)
        try:
            while self._due and not self._over.is_set():
                at, _, act = heapq.heappop(self._due)
                self._over.wait(max(0.0, at - time.monotonic()))
                act()
        except GaveUp:
            self._book.note("gave up")

    def come_and_go(self, platform: str) -> None:
        """Connect, publish now and later, leave; again and again."""
        try:
            while not self._over.is_set():
                self.connect(platform)
                now = Ask(
                    0, (platform,), big=self._random.random() < 0.5, schedule=None, cancels={}
                )
                made = self._publish(now)
                if made and self._random.random() < 0.5:
                    self._over.wait(self._random.uniform(0, 3))
                    self._cancel(made[0])
                self._publish(replace(now, schedule=self._random.uniform(3, 9)))
                self._over.wait(self._random.uniform(1, STAY))
                self._leave(platform)
        except GaveUp:
            return

    def mend(self) -> None:
        """Connect again what has expired, so that nothing is held any more."""
        listed = self._surely(lambda: self._person.ask("connections", "GET", "/v1/connections"))
        for one in listed["items"]:
            if one["status"] == "expired":
                self.connect(one["platform"])

    def _leave(self, platform: str) -> None:
        path = f"/v1/connections/{self._connections[platform]}"
        try:
            self._surely(lambda: self._person.ask("connections", "DELETE", path))
        except Refused as refusal:
            self._book.note(f"disconnect: {refusal.problem.get('code')}")

    def _publish(self, ask: Ask) -> list[str]:
        """The publications, none when they were refused."""
        for _ in range(4):
            try:
                return self._asked(ask)
            except Refused as refusal:
                code = refusal.problem.get("code")
                self._book.note(f"publish: {code}")
                if code in RECONNECT:
                    for platform in ask.platforms:
                        self.connect(platform)
        return []

    def _asked(self, ask: Ask) -> list[str]:
        number = self._book.number()
        titles = [f"clip {number:05d} {platform}" for platform in ask.platforms]
        body: dict[str, Any] = {
            "clip_id": f"clip-{number}",
            "media": {"key": self._media[ask.big]},
            "title": titles[0],
            "description": "Chaos.",
            "targets": [
                {"connection_id": self._connections[platform], "title": title, "description": ""}
                for platform, title in zip(ask.platforms, titles, strict=True)
            ],
        }
        if ask.schedule is not None:
            at = datetime.now(UTC) + timedelta(seconds=ask.schedule)
            body["schedule_at"] = at.isoformat()
        answer = self._post("/v1/publications", body)
        for index, (made, title) in enumerate(zip(answer["publications"], titles, strict=True)):
            self._book.accept(made["id"], title)
            if index in ask.cancels:
                at_last = time.monotonic() + ask.cancels[index]
                self._later(at_last, lambda made=made: self._cancel(made["id"]))  # type: ignore[misc] # a default binds the publication
        return [made["id"] for made in answer["publications"]]

    def _cancel(self, publication_id: str) -> None:
        try:
            answer = self._post(f"/v1/publications/{publication_id}/cancel", None)
        except Refused as refusal:
            self._book.note(f"cancel: {refusal.problem.get('code')}")
        else:
            self._book.cancel(publication_id, answer["verdict"])

    def _try_again(self) -> None:
        """Retry what has failed, at most twice each."""
        path = "/v1/publications?status=failed&limit=20"
        found = self._surely(lambda: self._person.ask("publisher", "GET", path, timeout=PATIENCE))
        for one in found["items"]:
            tried = self._retries.get(one["id"], 0)
            if tried >= MOST_RETRIES:
                continue
            self._retries[one["id"]] = tried + 1
            try:
                self._post(f"/v1/publications/{one['id']}/retry", None)
            except Refused as refusal:
                self._book.note(f"retry: {refusal.problem.get('code')}")
            else:
                self._book.note("retry: accepted")
        if self._due:  # else there is nothing left to live for
            self._later(time.monotonic() + RETRY_LOOK, self._try_again)

    def _post(self, path: str, body: dict[str, Any] | None) -> Any:
        key = {"Idempotency-Key": str(uuid4())}
        return self._surely(
            lambda: self._person.ask(
                "publisher", "POST", path, json=body, headers=key, timeout=PATIENCE
            )
        )

    def _later(self, at: float, act: Callable[[], object]) -> None:
        heapq.heappush(self._due, (at, self._book.number(), act))

    def _surely(self, ask: Callable[[], Any], *, broken: bool = False) -> Any:
        """Ask until there is an answer that stands. `broken`: every refusal is worth another try.

        Raises Refused, and GaveUp when the run ends first.
        """
        while not self._over.is_set():
            try:
                return ask()
            except Refused as refusal:
                code = refusal.problem.get("code")
                if not (broken or refusal.status >= 500 or code in TRANSIENT):
                    raise
                self._book.note(f"again: {code}")
            except (httpx.TransportError, ValueError, LookupError) as error:
                # An answer lost or spoilt on the way; a consent page may be spoilt as well.
                self._book.note(f"again: {type(error).__name__}")
            self._over.wait(PAUSE)
        raise GaveUp
