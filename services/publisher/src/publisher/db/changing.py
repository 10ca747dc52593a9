"""The conditional UPDATE of a publication, with the line about it in the same statement.

Each shape of it is built once: to build it anew takes longer than to carry it out.
"""

from collections.abc import Mapping, Sequence
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
    union_all,
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
    noted: int,
) -> Statement:
    """Of the one with the id `this` that is still in the state `was`: the columns `given` become
    `to_…`, those of `now` this moment, those of `later` `after` this moment; if it is `moved`, its
    version grows; if the change is `fenced`, its fence has to be `held`; so many lines
    as `noted` are appended, made of `line_0_…` and so on. Answers the row, or none."""
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
    lines = [
        {name: bindparam(f"line_{n}_{name}", type_=timeline.c[name].type) for name in LINE}
        for n in range(noted)
    ]
    return Statement(_with_lines(change.cte("changed"), *lines))


def noted_as(change: ReturningUpdate[Any], kind: str) -> Statement:
    """A change of many rows, with the same line about each in the trace of its own request, in the
    order in which they were due."""
    changed = change.cte("changed")
    trace_id = func.split_part(changed.c.traceparent, "-", 2)
    return Statement(
        _with_lines(changed, {"kind": literal(kind), "step": changed.c.step, "trace_id": trace_id})
    )


def _with_lines(changed: CTE, *lines: Mapping[str, ColumnElement[Any]]) -> ReturnsRows:
    """For each row all of these lines, in their order."""
    row = {"publication_id": changed.c.id, "status": changed.c.status, "attempt": changed.c.attempt}
    in_order = (changed.c.due_at, changed.c.id)
    each = [
        select(*row.values(), *words.values()).select_from(changed).order_by(*in_order)
        for words in lines
    ]
    all_of_them = (
        each[0] if len(each) == 1 else union_all(*(select(one.subquery()) for one in each))
    )
    noted = insert(timeline).from_select([*row, *lines[0]], all_of_them)
    return select(changed).add_cte(noted.cte("noted"))


def said(lines: Sequence[Line]) -> dict[str, str | None]:
    """The values of `line_…`."""
    here = trace.current().trace_id
    values: dict[str, str | None] = {}
    for n, line in enumerate(lines):
        words = {"kind": line.kind, "step": line.step, "detail": line.detail, "trace_id": here}
        values |= {f"line_{n}_{name}": one for name, one in words.items()}
    return values


def _held() -> ColumnElement[bool]:
    """Nobody claimed it since, and the lease was not given back: a write that gave it back, but
    whose commit was not heard, is not done again."""
    return (t.c.fence == bindparam("held")) & t.c.lease_until.is_not(None)
