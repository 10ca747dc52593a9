"""The words that services and platforms share: platform names and plans."""

from enum import StrEnum


class Platform(StrEnum):
    """A place where clips are published."""

    VK = "vk"
    RUTUBE = "rutube"
    DZEN = "dzen"
    TELEGRAM = "telegram"


class Plan(StrEnum):
    """What a user has paid for; decides which platforms are open."""

    FREE = "free"
    START = "start"
    PRO = "pro"
    BUSINESS = "business"

    @classmethod
    def parse(cls, value: object) -> "Plan":
        """Read a plan's name; a missing or unknown one counts as free (api.md, Auth)."""
        try:
            return cls(str(value))
        except ValueError:
            return cls.FREE

    @property
    def platforms(self) -> frozenset[Platform]:
        """The platforms that this plan may publish to."""
        match self:
            case Plan.FREE:
                return frozenset()
            case Plan.START:
                return frozenset({Platform.VK})
            case Plan.PRO | Plan.BUSINESS:
                return frozenset(Platform)
