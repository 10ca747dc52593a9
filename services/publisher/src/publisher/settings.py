"""Publisher's settings."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

from common.durations import Duration, Durations, parse_many
from common.http.rates import Allowance, AllowanceSetting
from common.neighbours import NeighbourSettings
from common.settings import Names, StrongSecret
from platforms.pacing import PaceSettings
from platforms.settings import PlatformUrls


def _unless_off(value: object) -> object:
    return None if value == "off" else value


class PublisherSettings(NeighbourSettings, PlatformUrls, PaceSettings):
    """Names are fixed by api.md."""

    service: ClassVar[str] = "publisher"

    http_port: int = 8003
    public_url: str = "http://127.0.0.1:8003"
    """Where platforms can reach this service, for files that they fetch themselves."""
    media_store_url: str = "file:.local/media"
    media_link_secret: StrongSecret | None = None
    """Only what makes links or answers at them needs it: http and workers."""
    media_allowed_hosts: Names = ()
    retry_delays: Durations = parse_many("5m,15m,60m")
    lease: Duration = timedelta(seconds=30)
    quarantine: Duration = timedelta(seconds=30)
    hold_max: Duration = timedelta(hours=24)
    schedule_min_ahead: Duration = timedelta(minutes=5)
    schedule_max_ahead: Duration = timedelta(days=365)
    publish_rate: AllowanceSetting = Allowance(20, 60)
    burst_limit: Annotated[AllowanceSetting | None, NoDecode, BeforeValidator(_unless_off)] = (
        Allowance(200, 3600)
    )
    """Publications of one account before it is paused by itself, counted as they are first taken
    in hand. `off` never pauses."""
    slots: int = 8
    """Publications that one worker process has in hand at once."""
    drain: Duration = timedelta(minutes=5)
    """How long a stopping worker lets running steps finish. A Telegram upload that is cut off
    after this ends as uncertain, so it is as long as one may take (UPLOAD_TIMEOUT_TELEGRAM)."""
    wake_again: Duration = timedelta(minutes=1)
    """When a call that no worker answered is made again; the call may lie in a long queue."""
    clock_tick: Duration = timedelta(milliseconds=250)
