"""What the Bot API takes (platforms/telegram.md §2.2, api.md)."""

from pydantic import BaseModel, ConfigDict

from platforms.port import Limits
from platforms.settings import PlatformUrls

CAPTION = 1024
"""UTF-16 units, for title and description together: Telegram has no title."""


class TelegramOptions(BaseModel):
    """What an author may choose for Telegram."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    disable_notification: bool = False
    """Subscribers hear no sound."""
    protect_content: bool = False
    """The post can't be forwarded or saved."""


def limits(urls: PlatformUrls) -> Limits:
    """The limits; a Bot API server of one's own takes more, hence the setting."""
    return Limits(
        file_bytes=urls.file_limit_telegram,
        title=CAPTION,
        description=CAPTION,
        upload_timeout=urls.upload_timeout_telegram,
        joined=CAPTION,
        unit="utf16",
    )
