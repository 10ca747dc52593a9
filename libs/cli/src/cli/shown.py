"""How publications, accounts and numbers look to a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table

from cli.language import say
from cli.output import facts, folded, row, table, whole

UNKNOWN = "–"
NO_STATISTICS = "no_statistics"
Row = Mapping[str, Any]


def platform(one: Row) -> str:
    """Its name; what is experimental says so wherever a person sees it."""
    name = str(one["platform"])
    return f"{name} (experimental)" if one.get("experimental") else name


def moment(value: str | None) -> str:
    """An instant in the caller's own time zone."""
    if not value:
        return UNKNOWN
    return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def state(one: Row) -> str:
    """Where a publication stands, with what is known about it."""
    words = [str(one["status"])]
    if stage := one.get("stage"):
        words.append(str(stage["name"]))
        if stage["percent"] is not None:
            words.append(f"{stage['percent']} %")
        if stage["why"] not in (None, stage["name"]):
            words.append(str(stage["why"]))
        if stage["until"]:
            words.append(say("до ", "until ") + moment(stage["until"]))
    elif one["status"] == "scheduled":
        words.append(say("на ", "for ") + moment(one["schedule_at"]))
    if one.get("hold") and one["hold"] not in words:
        words.append(str(one["hold"]))
    return " ".join(words)


def outcome(one: Row) -> str:
    """The link, or why there is none."""
    if one.get("error"):
        return str(one["error"]["detail"])
    return str(one.get("url") or "")


def views(one: Row) -> str:
    """A publication's views: never 0 where nobody counted."""
    stats = one.get("stats") or {}
    if stats.get("reason") == NO_STATISTICS:
        return no_statistics()
    return number(stats.get("views"))


def number(value: int | None) -> str:
    """A counter that may not be told."""
    return UNKNOWN if value is None else str(value)


def no_statistics() -> str:
    """What Telegram tells."""
    return say("статистика недоступна", "no statistics")


def line(one: Row) -> str:
    """One of them in a line that no terminal cuts, for its id and link to be copied from."""
    return f"{one['id']}  {platform(one)}  {state(one)}  {outcome(one)}".rstrip()


def publications(rows: Sequence[Row]) -> Table:
    """A list of them."""
    grid = table(
        whole("id"),
        say("площадка", "platform"),
        say("состояние", "state"),
        say("название", "title"),
        say("просмотры", "views"),
        folded(say("итог", "outcome")),
    )
    for one in rows:
        row(grid, one["id"], platform(one), state(one), one["title"], views(one), outcome(one))
    return grid


def publication(one: Row) -> Table:
    """All of one."""
    error = one["error"]
    stats = one["stats"] or {}
    counters = None
    if stats:
        told = (
            f"{name} {number(stats[name])}" for name in ("views", "likes", "shares", "comments")
        )
        counters = no_statistics() if stats["reason"] == NO_STATISTICS else ", ".join(told)
    return facts(
        [
            ("id", one["id"]),
            (say("площадка", "platform"), platform(one)),
            (say("аккаунт", "account"), one["connection_id"]),
            (say("клип", "clip"), one["clip_id"]),
            (say("название", "title"), one["title"]),
            (say("описание", "description"), one["description"] or None),
            (say("состояние", "state"), state(one)),
            (say("попытка", "attempt"), one["attempt"]),
            (say("ошибка", "error"), error and f"{error['code']}: {error['detail']}"),
            (say("ссылка", "link"), one["url"]),
            (say("создана", "created"), moment(one["created_at"])),
            (say("вышла", "published"), one["published_at"] and moment(one["published_at"])),
            (say("статистика", "statistics"), counters),
        ]
    )


def timeline(items: Sequence[Row]) -> Table:
    """What happened, oldest first."""
    grid = table(
        say("когда", "when"),
        say("что", "what"),
        say("состояние", "state"),
        say("шаг", "step"),
        say("попытка", "attempt"),
        folded(say("подробности", "detail")),
    )
    for one in items:
        row(
            grid,
            moment(one["at"]),
            one["kind"],
            one["status"],
            one["step"] or "",
            one["attempt"],
            one["detail"] or "",
        )
    return grid


def accounts(items: Sequence[Row]) -> Table:
    """Connected accounts."""
    grid = table(
        whole("id"),
        say("площадка", "platform"),
        say("состояние", "state"),
        say("имя", "name"),
        folded(say("страница", "page")),
    )
    for one in items:
        account = one["account"]
        row(grid, one["id"], platform(one), one["status"], account["name"], account["url"] or "")
    return grid


def samples(found: Row) -> Table:
    """The series of one publication."""
    counters = ("views", "likes", "shares", "comments")
    grid = table(
        say("когда", "when"),
        say("просмотры", "views"),
        say("лайки", "likes"),
        say("репосты", "shares"),
        say("комментарии", "comments"),
        "",
    )
    for one in found["samples"]:
        marks = [name for name in ("gone", "processing") if one[name]]
        row(grid, moment(one["at"]), *(number(one[name]) for name in counters), " ".join(marks))
    return grid


def summary(items: Sequence[Row], by: str) -> Table:
    """One line a group."""
    counters = ("views", "likes", "shares", "comments", "views_growth")
    grid = table(
        by,
        say("публикаций", "publications"),
        say("просмотры", "views"),
        say("лайки", "likes"),
        say("репосты", "shares"),
        say("комментарии", "comments"),
        say("прирост", "growth"),
    )
    for one in items:
        cells = [number(one[name]) for name in counters]
        if one["key"] == "telegram":
            cells = [no_statistics(), *("" for _ in counters[1:])]
        key = platform({"platform": one["key"], "experimental": one["key"] == "dzen"})
        row(grid, key, one["publications"], *cells)
    return grid
