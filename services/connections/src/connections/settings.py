"""What this service reads from the environment beside the settings that all share."""

from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr, model_validator

from common.auth.services import parse_tokens
from common.http.rates import Allowance, AllowanceSetting
from common.settings import Settings as CommonSettings

NAME = "connections"
GATEWAY = "oauth-gateway"


def _with_ours(value: SecretStr) -> SecretStr:
    if NAME not in parse_tokens(value):
        raise ValueError(f"there is no {NAME}=<secret> among the pairs")
    return value


class Settings(CommonSettings):
    """Names are fixed by api.md."""

    http_port: int = 8001
    oauth_gateway_url: str = "http://127.0.0.1:8002"
    connect_rate: AllowanceSetting = Allowance(5, 3600)
    service_tokens: Annotated[SecretStr, AfterValidator(_with_ours)]

    @model_validator(mode="after")
    def _one_way_to_know_people(self) -> Self:
        if (self.auth_jwt_secret is None) == (self.auth_jwks_url is None):
            raise ValueError("set exactly one of AUTH_JWT_SECRET and AUTH_JWKS_URL")
        return self

    @property
    def gateway_secret(self) -> str:
        """What proves us to oauth-gateway."""
        return parse_tokens(self.service_tokens)[NAME]
