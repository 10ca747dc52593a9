"""Rutube fetches the file by itself, after it has answered: this is where a post can still fail."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import httpx

from sandbox.fetching import Fetched, FetchError, fetch
from sandbox.rutube_state import Video
from sandbox.world import World

LIMIT = 25 * 10**9
SECONDS = 3600.0
CALLBACK_SECONDS = 5.0
CALLBACKS = "rutube_callbacks"


class Downloads:
    """The downloads under way. A video nobody will ever see counts as deleted in the ledger."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: set[asyncio.Task[None]] = set()

    def start(self, video: Video, *, reject: bool, callback: str, errback: str) -> None:
        """Begin now; `reject` lets the moderators refuse it afterwards."""
        task = asyncio.create_task(self._run(video, reject, callback, errback))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def cancel(self) -> None:
        """Forget them all."""
        for task in self._running:
            task.cancel()

    async def _run(self, video: Video, reject: bool, callback: str, errback: str) -> None:
        try:
            fetched = await fetch(
                video.source_url,
                limit=LIMIT,
                seconds=SECONDS,
                idle_seconds=self._world.settings.link_patience_seconds,
                accept=_may_be_video,
            )
        except FetchError:
            self._fail(video)
        else:
            self._finish(video, fetched, reject)
        await self._call_back(video, errback if video.failure else callback)

    def _finish(self, video: Video, fetched: Fetched, reject: bool) -> None:
        blob = fetched.blob
        if not blob.is_mp4:
            self._fail(video)
            return
        video.duration = round(blob.video.duration) if blob.video else 0
        moderation = timedelta(seconds=self._world.settings.processing_seconds)
        video.published_from = self._world.clock.now() + moderation
        video.rejected = reject
        self._world.ledger.mark_fetched("rutube", video.id, sha256=blob.sha256, size=blob.bytes)
        if reject:
            self._world.ledger.mark_deleted("rutube", video.id)

    def _fail(self, video: Video) -> None:
        video.failure = "download_error"
        self._world.ledger.mark_deleted("rutube", video.id)

    async def _call_back(self, video: Video, url: str) -> None:
        # In reality they hardly ever come, so nobody may rely on them.
        if not url or not self._world.switches.is_on(CALLBACKS):
            return
        body = {"video_id": video.id, "extra": json.loads(video.extra)}
        async with httpx.AsyncClient(timeout=CALLBACK_SECONDS, trust_env=False) as client:
            try:
                await client.post(url, json=body)
            except httpx.HTTPError:
                return


def _may_be_video(kind: str) -> bool:
    return kind.startswith("video/") or kind == "application/octet-stream"
