"""Celery with two prefork children, requests and psycopg: one job at a time in each child.

celery -A bench.peers.celery_prefork worker --pool prefork --concurrency 2
python -m bench.peers.celery_prefork feed FIRST LAST
"""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator"

import json
import sys
from typing import Any

import psycopg
import requests
from celery import Celery
from celery.signals import worker_process_init

from bench.peers.given import BUS, CLIP, DATABASE, DONE, PLATFORM, QUEUE, READ, STEP

app = Celery("peer", broker=BUS)
app.conf.update(
    task_default_queue=QUEUE,
    task_default_queue_type="quorum",
    task_acks_late=True,
    task_ignore_result=True,
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
)


class Process:
    """What one child keeps open."""

    http: requests.Session
    rows: psycopg.RawCursor[Any]


@worker_process_init.connect
def connect(**_: object) -> None:
    """After the fork. Statements are prepared by psycopg itself once they were used five times."""
    Process.http = requests.Session()
    Process.http.trust_env = False
    Process.rows = psycopg.RawCursor(psycopg.connect(DATABASE, autocommit=True))


@app.task(name="publish")
def publish(job: int) -> None:
    """The same statements and calls as in job.py."""
    http, rows = Process.http, Process.rows
    found = rows.execute(READ, [job]).fetchone()
    assert found is not None  # noqa: S101 - the row was there before the message
    title, description, token = found
    headers = {"Authorization": f"Bearer {token}"}
    wanted = {"v": "5.199", "name": title, "description": description}

    saved = http.post(f"{PLATFORM}/method/video.save", headers=headers, data=wanted, timeout=30)
    saved.raise_for_status()
    cursor = saved.json()["response"]
    rows.execute(STEP, [job, "reserve", json.dumps(cursor)])

    kind = {"Content-Type": "video/mp4"}
    http.post(cursor["upload_url"], headers=kind, data=CLIP, timeout=30).raise_for_status()
    rows.execute(STEP, [job, "upload", json.dumps(cursor)])

    post = f"{cursor['owner_id']}_{cursor['video_id']}"
    asked = {"v": "5.199", "videos": post}
    shown = http.post(f"{PLATFORM}/method/video.get", headers=headers, data=asked, timeout=30)
    shown.raise_for_status()
    shown.json()
    rows.execute(STEP, [job, "processed", json.dumps(cursor)])

    rows.execute(DONE, [job, post, json.dumps({"job": job, "post_id": post})])


def feed(first: int, last: int) -> None:
    """Confirmed and persistent, as Celery does it: one by one."""
    for job in range(first, last + 1):
        publish.delay(job)


if __name__ == "__main__":
    feed(*map(int, sys.argv[2:]))
