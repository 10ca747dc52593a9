"""What people are told about each platform, taken from the adapters that publish to it."""

from connections.app.ports import Catalogue, PlatformFacts
from platforms.port import Adapter
from platforms.registry import Adapters


def catalogue(adapters: Adapters) -> Catalogue:
    """Facts by platform; Дзен is missing where its address is not set."""
    return {platform: _facts(adapter) for platform, adapter in adapters.items()}


def _facts(adapter: Adapter) -> PlatformFacts:
    limits = adapter.limits
    return PlatformFacts(
        platform=adapter.platform,
        title=adapter.title,
        connect=adapter.connect,
        experimental=adapter.experimental,
        file_bytes=limits.file_bytes,
        title_length=limits.title,
        description_length=limits.description,
        joined_length=limits.joined,
        unit=limits.unit,
        options_schema=adapter.options.model_json_schema(),
    )
