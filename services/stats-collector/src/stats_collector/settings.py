"""What this service reads from the environment beside the settings that all share."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr, model_validator

from common.auth.services import parse_tokens
from common.durations import Duration
from common.settings import Settings as CommonSettings
from platforms.settings import Address
from stats_collector.domain.schedule import Schedule

NAME = "stats-collector"
GATEWAY = "oauth-gateway"


def _with_ours(value: SecretStr) -> SecretStr:
    if NAME not in parse_tokens(value):
        raise ValueError(f"there is no {NAME}=<secret> among the pairs")
    return value


def _longer_than_nothing(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than nothing")
    return value


class Settings(CommonSettings):
    """Names are fixed by api.md; addresses and pace of platforms are read by classes of theirs."""

    http_port: int = 8004
    oauth_gateway_url: Address = "http://127.0.0.1:8002"
    service_tokens: Annotated[SecretStr, AfterValidator(_with_ours)]
    stats_first_after: Duration = timedelta(hours=1)
    stats_every: Annotated[Duration, AfterValidator(_longer_than_nothing)] = timedelta(hours=6)
    stats_for: Duration = timedelta(days=30)

    @model_validator(mode="after")
    def _one_way_to_know_people(self) -> Self:
        if (self.auth_jwt_secret is None) == (self.auth_jwks_url is None):
            raise ValueError("set exactly one of AUTH_JWT_SECRET and AUTH_JWKS_URL")
        return self

    @model_validator(mode="after")
    def _first_before_last(self) -> Self:
        if self.stats_first_after > self.stats_for:
            raise ValueError("STATS_FIRST_AFTER must not be longer than STATS_FOR")
        return self

    @property
    def gateway_secret(self) -> str:
        """What proves us to oauth-gateway."""
        return parse_tokens(self.service_tokens)[NAME]

    @property
    def schedule(self) -> Schedule:
        """When posts are looked at."""
        return Schedule(self.stats_first_after, self.stats_every, self.stats_for)
