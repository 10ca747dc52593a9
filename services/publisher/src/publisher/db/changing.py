"""The conditional UPDATE of a publication, with the line about it in the same statement.

Each shape of it is built once: to build it anew takes longer than to carry it out.
"""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Interval, bindparam, func, insert, select, true, update
from sqlalchemy.sql.base import Executable

from publisher.db.picture import OWN
from publisher.db.tables import publications as t
from publisher.db.tables import timeline

LINE = ("kind", "step", "detail", "trace_id")


@cache
def change_of(
    given: frozenset[str],
    now: frozenset[str],
    later: frozenset[str],
    *,
    moved: bool,
    fenced: bool,
    noted: bool,
) -> Executable:
    """Of the one with the id `this` that is still in the state `was`: the columns `given` become
    `to_…`, those of `now` this moment, those of `later` `after` this moment; if it is `moved`, its
    version grows; if the change is `fenced`, its fence has to be `held`; `noted` appends a line
    made of `line_…`. Answers the row, or none."""
    values: dict[str, Any] = {
        **{name: bindparam(f"to_{name}", type_=t.c[name].type) for name in given},
        **dict.fromkeys(now, func.clock_timestamp()),
        **dict.fromkeys(later, func.clock_timestamp() + bindparam("after", type_=Interval)),
    }
    if moved:
        values["version"] = t.c.version + 1
    change = (
        update(t)
        .where(
            t.c.id == bindparam("this"),
            t.c.status == bindparam("was"),
            _held() if fenced else true(),
        )
        .values(values)
        .returning(*OWN)
    )
    if not noted:
        return change
    changed = change.cte("changed")
    words = {name: bindparam(f"line_{name}", type_=timeline.c[name].type) for name in LINE}
    seen = {"publication_id": changed.c.id, "status": changed.c.status} | words
    seen["attempt"] = changed.c.attempt
    lines = insert(timeline).from_select(list(seen), select(*seen.values()).select_from(changed))
    return select(changed).add_cte(lines.cte("noted"))


def _held() -> ColumnElement[bool]:
    """Nobody claimed it since, and the lease was not given back: a write that gave it back, but
    whose commit was not heard, is not done again."""
    return (t.c.fence == bindparam("held")) & t.c.lease_until.is_not(None)
