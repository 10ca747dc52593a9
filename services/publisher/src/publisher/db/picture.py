"""From a row of `publications` to the picture that the rules work with."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import case, func

from common.contracts.words import Platform
from publisher.db.pauses import paused_by
from publisher.db.tables import publications
from publisher.domain.publication import Publication, Stage, StepState
from publisher.domain.states import Status

# A pause is looked up as a row is read: to write it down on each would take a million writes.
_PAUSED = case((publications.c.due_at <= func.clock_timestamp(), paused_by())).label("paused_by")
_UNSEEN = {"woken_at", "first_claimed_at"}
OWN = [*(one for one in publications.c if one.name not in _UNSEEN), _PAUSED]


def picture(row: Mapping[Any, Any]) -> Publication:
    """The columns are `OWN`."""
    return Publication(
        **{
            **row,
            "platform": Platform(row["platform"]),
            "status": Status(row["status"]),
            "stage": Stage(row["stage"]) if row["stage"] else None,
            "step_state": StepState(row["step_state"]),
        }
    )
