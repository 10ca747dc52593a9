"""From a row of `publications` to the picture that the rules work with."""

from sqlalchemy import RowMapping

from common.contracts.words import Platform
from publisher.db.tables import publications
from publisher.domain.publication import Publication, Stage, StepState
from publisher.domain.states import Status

OWN = [column for column in publications.c if column.name != "woken_at"]


def picture(row: RowMapping) -> Publication:
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
