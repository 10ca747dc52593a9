"""What this service reads from the environment beside the settings that all share."""

from typing import ClassVar

from common.http.rates import Allowance, AllowanceSetting
from common.neighbours import NeighbourSettings


class Settings(NeighbourSettings):
    """Names are fixed by api.md."""

    service: ClassVar[str] = "connections"

    http_port: int = 8001
    connect_rate: AllowanceSetting = Allowance(5, 3600)


NAME = Settings.service
