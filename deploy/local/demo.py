"""`make demo`: one real MP4 to four platforms through the whole system, in front of your eyes.

python deploy/local/demo.py [--clip FILE] [--home .local]
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live
from rich.table import Column, Table

from localrun.body import StartError
from localrun.environment import TREE
from localrun.person import Person, Refused
from servers import Servers
from stack import Stack

SHORTENED = {
    "SCHEDULE_MIN_AHEAD": "2s",
    "POLL_FIRST": "500ms",
    "POLL_MAX": "2s",
    "STATS_FIRST_AFTER": "1s",
    "STATS_EVERY": "10s",
    "PROCESSING_SECONDS": "2",
}
SCHEDULED_AFTER = timedelta(seconds=6)
PATIENCE = 90.0
STATS_PATIENCE = 30.0
console = Console() if sys.stdout.isatty() else Console(width=120)


def main(words: Sequence[str]) -> int:
    """Run the demo; 0 when every publication and the first sample are there."""
    parser = argparse.ArgumentParser(description="One clip, four platforms.")
    parser.add_argument("--clip", type=Path, default=Path(__file__).parent / "clip.mp4")
    parser.add_argument("--home", type=Path, default=TREE / ".local")
    arguments = parser.parse_args(words)
    clip: Path = arguments.clip
    home: Path = arguments.home.resolve()
    if not clip.is_file():
        console.print(f"[red]There is no file {clip}. Give one: make demo CLIP=file.mp4[/red]")
        return 1
    servers = Servers(home / "servers")
    were_running = (home / "servers").exists() and servers.postgres.running
    stack = Stack(home / "demo", servers, settings=SHORTENED)
    try:
        return _run(stack, clip, home / "demo.json")
    except (StartError, Refused, TimeoutError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    finally:
        console.print("Stopping what the demo started …")
        stack.remove()
        if not were_running:
            servers.down()


def _run(stack: Stack, clip: Path, report: Path) -> int:
    console.rule("Clipcast demo")
    console.print(
        "The platforms are simulated on this machine. Times are shortened by settings:\n  "
        + ", ".join(f"{name}={value}" for name, value in SHORTENED.items())
    )
    with console.status("Starting PostgreSQL, RabbitMQ, Redis and every process …"):
        started = time.monotonic()
        stack.up()
    console.print(f"Everything runs after {time.monotonic() - started:.0f} s.")
    person = Person(stack.urls, stack.token("demo", "pro"))
    try:
        connections = _connect(person, stack.urls["sandbox"])
        sampled = _first_sample(person, _publish(person, clip, connections))
    finally:
        person.close()
    ledger = httpx.get(stack.urls["sandbox"] + "/_ledger", trust_env=False).json()
    rows = [_row(one, ledger) for one in sampled]
    _show(rows)
    report.write_text(
        json.dumps({"publications": rows, "ledger": ledger}, ensure_ascii=False, indent=2)
    )
    console.print(f"Written to {report}")
    with clip.open("rb") as file:
        sent = file_digest(file, "sha256").hexdigest()
    good = all(row["status"] == "published" and row["sha256"] == sent for row in rows)
    return 0 if good and any(row["stats"] for row in rows) else 1


def _connect(person: Person, sandbox: str) -> list[dict[str, Any]]:
    """VK and Дзен by consent, Rutube and Telegram by token."""
    rutube, telegram = (
        httpx.post(f"{sandbox}/_accounts", json={"platform": name}, trust_env=False).json()
        for name in ("rutube", "telegram")
    )
    connections = [
        person.connect_by_consent("vk"),
        person.connect_by_token("rutube", rutube["token"]),
        person.connect_by_consent("dzen"),
        person.connect_by_token("telegram", telegram["token"], channel=telegram["channel"]),
    ]
    for one in connections:
        mark = " (experimental: assumed contract)" if one["experimental"] else ""
        console.print(f"  connected {one['platform']:<9} {one['account']['name']}{mark}")
    return connections


def _publish(
    person: Person, clip: Path, connections: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Four now and one on a schedule; shows them until they end."""
    media = {"key": person.upload(clip)["key"]}
    texts = {"media": media, "title": f"Clipcast: {clip.stem}", "description": "Published by demo."}
    targets = [{"connection_id": one["id"]} for one in connections]
    run = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    accepted = person.publish(clip_id=f"now-{run}", targets=targets, **texts)
    at = datetime.now(UTC) + SCHEDULED_AFTER
    accepted += person.publish(
        clip_id=f"later-{run}", targets=targets[:1], schedule_at=at.isoformat(), **texts
    )
    with Live(console=console, refresh_per_second=5) as live:
        return person.watch(
            [one["id"] for one in accepted],
            seconds=PATIENCE,
            show=lambda found: live.update(_progress(found)),
        )


def _first_sample(
    person: Person, publications: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Wait until every publication has its first counters, or the reason why there are none."""
    with console.status("Waiting for the first statistics …"):
        return person.watch(
            [one["id"] for one in publications],
            seconds=STATS_PATIENCE,
            until=lambda one: one["status"] != "published" or one["stats"] is not None,
        )


def _progress(found: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("platform", "state", "stage", "due")
    for one in found:
        stage = one["stage"] or {}
        percent = f" {stage['percent']} %" if stage.get("percent") is not None else ""
        due = (one["schedule_at"] or "now")[11:19] or "now"
        table.add_row(one["platform"], one["status"], f"{stage.get('name', '')}{percent}", due)
    return table


def _row(one: Mapping[str, Any], ledger: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One publication with the bytes that the platform says it received.

    `seconds` are from the request (or the time it was scheduled for) to published.
    """
    seconds = None
    if one["published_at"]:
        begun = datetime.fromisoformat(one["schedule_at"] or one["created_at"])
        seconds = round((datetime.fromisoformat(one["published_at"]) - begun).total_seconds(), 2)
    entry = next(
        (
            kept
            for kept in ledger
            if kept["platform"] == one["platform"] and kept["post_id"] == one["post_id"]
        ),
        {},
    )
    wanted = ("id", "platform", "status", "url", "post_id", "schedule_at", "experimental", "stats")
    return {name: one[name] for name in wanted} | {
        "sha256": entry.get("sha256"),
        "bytes": entry.get("bytes"),
        "seconds": seconds,
    }


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    link = Column("link", overflow="fold", ratio=1)
    table = Table("platform", "state", link, "seconds", "bytes", "views", title="Published")
    for row in rows:
        stats = row["stats"] or {}
        views = stats.get("views")
        table.add_row(
            row["platform"] + (" (scheduled)" if row["schedule_at"] else ""),
            row["status"],
            str(row["url"]),
            str(row["seconds"]),
            str(row["bytes"]),
            str(views) if views is not None else str(stats.get("reason", "-")),
        )
    console.print()
    console.print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
