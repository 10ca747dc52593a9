"""The INSERT of a publication, with the first line about it in the same statement."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.sql.selectable import ReturnsRows

from common.db.statement import Statement
from publisher.db.tables import publications as t
from publisher.db.tables import timeline
from publisher.domain.publication import Publication

COLUMNS = tuple(one.name for one in fields(Publication) if one.name in t.c)


def _added() -> ReturnsRows:
    given = {name: bindparam(f"new_{name}", type_=t.c[name].type) for name in COLUMNS}
    given["woken_at"] = bindparam("new_woken_at", type_=t.c.woken_at.type)
    added = insert(t).values(given).returning(t.c.id, t.c.status, t.c.attempt, t.c.traceparent)
    one = added.cte("added")
    line = {
        "publication_id": one.c.id,
        "kind": bindparam("kind", type_=timeline.c.kind.type),
        "status": one.c.status,
        "attempt": one.c.attempt,
        "trace_id": func.split_part(one.c.traceparent, "-", 2),
    }
    lines = insert(timeline).from_select(list(line), select(*line.values()).select_from(one))
    return select(one.c.id).add_cte(lines.cte("noted"))


ADDED = Statement(_added())


def values_of(one: Publication, *, woken_at: datetime | None, kind: str) -> Mapping[str, Any]:
    """What ADDED needs to know. An immediate one is called for in the same transaction."""
    values = {f"new_{name}": getattr(one, name) for name in COLUMNS}
    return values | {"new_woken_at": woken_at, "kind": kind}
