"""All the state of one sandbox, and what each platform adds to the control plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from sandbox.clock import Clock
from sandbox.consent import Consents
from sandbox.eventlog import EventLog
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.ledger import Ledger
from sandbox.moderation import Moderator, Order, Verdict
from sandbox.settings import Settings
from sandbox.switches import Switches


@dataclass
class World:
    """Made once per process by `make_world`; platforms register themselves in `install`."""

    settings: Settings
    clock: Clock
    log: EventLog
    ledger: Ledger
    journal: Journal
    faults: Faults
    switches: Switches
    consents: Consents
    accounts: dict[str, AccountMaker] = field(default_factory=dict)
    expiries: dict[str, Callable[[str], int]] = field(default_factory=dict)
    """By platform: ends an account's access tokens as age would, and tells how many."""
    moderators: dict[str, Moderator] = field(default_factory=dict)
    _resets: list[Callable[[], None]] = field(default_factory=list)

    def on_reset(self, forget: Callable[[], None]) -> None:
        """Called by `DELETE /_state`; must bring the platform back to its default accounts."""
        self._resets.append(forget)

    def moderate(self, order: Order) -> bool:
        """What nobody can see any more counts as deleted in the ledger. False: no such post."""
        if not self.moderators[order.platform](order):
            return False
        if isinstance(order, Verdict) and order.do == "restore":
            self.ledger.mark_restored(order.platform, order.post_id)
        elif isinstance(order, Verdict):
            self.ledger.mark_deleted(order.platform, order.post_id)
        return True

    def reset(self) -> None:
        self.log.clear()
        self.clock.reset()
        self.ledger.clear()
        self.journal.clear()
        self.faults.clear()
        self.switches.reset()
        self.consents.reset()
        for forget in self._resets:
            forget()


@dataclass(frozen=True)
class AccountMaker:
    """How `POST /_accounts` makes an account: what may be asked, and who makes it."""

    overrides: type[BaseModel]
    make: Callable[[Any], dict[str, Any]]


def make_world(settings: Settings) -> World:
    """A world as its ledger file left it, or a fresh one."""
    clock = Clock()
    log = EventLog(settings.ledger_file)
    return World(
        settings=settings,
        clock=clock,
        log=log,
        ledger=Ledger(clock, log),
        journal=Journal(clock, settings.journal_keep),
        faults=Faults(),
        switches=Switches(),
        consents=Consents(settings.sandbox_consent),
    )
