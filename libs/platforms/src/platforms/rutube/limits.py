"""What Rutube takes (platforms/rutube.md §2.1, api.md)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from platforms.port import Limits
from platforms.settings import PlatformUrls


class RutubeOptions(BaseModel):
    """What an author may choose for Rutube."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    category_id: Annotated[int, Field(ge=1)] = 13
    """A number of `GET /api/video/category/`; 13 is the official client's default."""
    hidden: bool = False
    """Only those who have the link see it."""


def limits(urls: PlatformUrls) -> Limits:
    """The limits; Rutube itself takes up to 25 GB, ours is a product limit."""
    return Limits(
        file_bytes=urls.file_limit_rutube,
        title=100,
        description=5000,
        upload_timeout=urls.upload_timeout_rutube,
    )
