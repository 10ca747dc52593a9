"""What Дзен takes: our own assumptions, nothing is published (platforms/dzen.md §2, §5)."""

from pydantic import BaseModel, ConfigDict

from platforms.port import Limits
from platforms.settings import PlatformUrls


class DzenOptions(BaseModel):
    """Nothing to choose."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def limits(urls: PlatformUrls) -> Limits:
    """The limits."""
    return Limits(
        file_bytes=urls.file_limit_dzen,
        title=200,
        description=5000,
        upload_timeout=urls.upload_timeout_dzen,
    )
