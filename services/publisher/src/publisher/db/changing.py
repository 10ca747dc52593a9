"""The conditional UPDATE of a publication, with the line about it in the same statement.

Each shape of it is built once: to build it anew takes longer than to carry it out.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Interval,
    bindparam,
    func,
    insert,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.selectable import ReturnsRows

from common.db.statement import Statement
from common.observe import trace
from publisher.app.ports import Line
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
) -> Statement:
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
        return Statement(change)
    words = {name: bindparam(f"line_{name}", type_=timeline.c[name].type) for name in LINE}
    return Statement(_with_line(change.cte("changed"), words))


def noted_as(change: ReturningUpdate[Any], kind: str) -> Statement:
    """A change of many rows, with the same line about each in the trace of its own request, in the
    order in which they were due."""
    changed = change.cte("changed")
    trace_id = func.split_part(changed.c.traceparent, "-", 2)
    return Statement(
        _with_line(changed, {"kind": literal(kind), "step": changed.c.step, "trace_id": trace_id})
    )


def _with_line(changed: CTE, words: Mapping[str, ColumnElement[Any]]) -> ReturnsRows:
    seen = {
        "publication_id": changed.c.id,
        "status": changed.c.status,
        "attempt": changed.c.attempt,
        **words,
    }
    each = select(*seen.values()).select_from(changed).order_by(changed.c.due_at, changed.c.id)
    lines = insert(timeline).from_select(list(seen), each)
    return select(changed).add_cte(lines.cte("noted"))


def said(line: Line) -> dict[str, str | None]:
    """The values of `line_…`."""
    here = trace.current().trace_id
    words = {"kind": line.kind, "step": line.step, "detail": line.detail, "trace_id": here}
    return {f"line_{name}": one for name, one in words.items()}


def _held() -> ColumnElement[bool]:
    """Nobody claimed it since, and the lease was not given back: a write that gave it back, but
    whose commit was not heard, is not done again."""
    return (t.c.fence == bindparam("held")) & t.c.lease_until.is_not(None)
