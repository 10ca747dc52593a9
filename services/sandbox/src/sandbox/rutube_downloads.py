"""Rutube fetches the file by itself, after it has answered: this is where a post can still fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import timedelta

import httpx

from sandbox.fetching import Fetched, FetchError, fetch
from sandbox.rutube_memory import save
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
        self._waiting: list[Video] = []

    def start(self, video: Video) -> None:
        """Begin now."""
        task = asyncio.create_task(self._run(video))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def later(self, videos: Iterable[Video]) -> None:
        """A former process began them: to be begun again once an event loop runs."""
        self._waiting = [video for video in videos if video.unfinished]

    def resume(self) -> None:
        """Begin what waits."""
        while self._waiting:
            self.start(self._waiting.pop())

    def cancel(self) -> None:
        """Forget them all."""
        self._waiting.clear()
        for task in self._running:
            task.cancel()

    async def _run(self, video: Video) -> None:
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
            self._finish(video, fetched)
        await self._call_back(video, video.errback if video.failure else video.callback)

    def _finish(self, video: Video, fetched: Fetched) -> None:
        blob = fetched.blob
        if not blob.is_mp4:
            self._fail(video)
            return
        video.duration = round(blob.video.duration) if blob.video else 0
        moderation = timedelta(seconds=self._world.settings.processing_seconds)
        video.published_from = self._world.clock.now() + moderation
        self._world.ledger.mark_fetched("rutube", video.id, sha256=blob.sha256, size=blob.bytes)
        if video.rejected:
            self._world.ledger.mark_deleted("rutube", video.id)
        self._keep(video)

    def _fail(self, video: Video) -> None:
        video.failure = "download_error"
        self._world.ledger.mark_deleted("rutube", video.id)
        self._keep(video)

    def _keep(self, video: Video) -> None:
        if not video.deleted:
            save(self._world.log, video)

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
