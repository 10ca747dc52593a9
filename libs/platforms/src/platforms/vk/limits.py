"""What VK takes: sizes, text lengths, options (platforms/vk.md §2.2, api.md)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from platforms.port import Limits
from platforms.settings import PlatformUrls


class VkOptions(BaseModel):
    """What an author may choose for VK."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    group_id: Annotated[int, Field(ge=1)] | None = None
    """Publish in this community instead of the own page; positive, without the minus sign."""
    wallpost: bool = False
    """Also write a post on the wall."""
    privacy: Literal["all", "friends", "friends_of_friends", "only_me"] | None = None
    """Who may see the video; VK's own setting when not given."""


def limits(urls: PlatformUrls) -> Limits:
    """The limits; the file size is the product's own, VK states none."""
    return Limits(
        file_bytes=urls.file_limit_vk,
        title=128,
        description=5000,
        upload_timeout=urls.upload_timeout_vk,
    )
