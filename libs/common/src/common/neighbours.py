"""Settings of the services that people call and that ask oauth-gateway for tokens."""

from typing import ClassVar, Self

from pydantic import SecretStr, model_validator

from common.auth.callers import Verifier
from common.auth.services import parse_tokens
from common.http.internal import InternalClient
from common.settings import ADVICE, Settings, Wrong, stop

GATEWAY = "oauth-gateway"


class NeighbourSettings(Settings):
    """What connections, publisher and stats-collector have in common."""

    service: ClassVar[str]
    """The service's own name, under which its secret stands in SERVICE_TOKENS."""

    oauth_gateway_url: str = "http://127.0.0.1:8002"
    service_tokens: SecretStr

    @model_validator(mode="after")
    def _known_to_the_gateway(self) -> Self:
        if self.service not in parse_tokens(self.service_tokens):
            raise ValueError(f"SERVICE_TOKENS: there is no {self.service}=<secret> among the pairs")
        return self

    def people(self) -> Verifier:
        """Who checks their tokens. Only what serves them needs it: who has the secret can be
        anybody, so no other process is given it."""
        if (self.auth_jwt_secret is None) == (self.auth_jwks_url is None):
            why = "set exactly one of AUTH_JWT_SECRET and AUTH_JWKS_URL"
            stop(Wrong("AUTH_JWT_SECRET", why, ADVICE["auth_jwt_secret"]))
        return Verifier(
            secret=self.auth_jwt_secret, jwks_url=self.auth_jwks_url, issuer=self.auth_jwt_issuer
        )

    def gateway(self) -> InternalClient:
        """A client of oauth-gateway that signs as this service."""
        secret = parse_tokens(self.service_tokens)[self.service]
        return InternalClient(
            self.oauth_gateway_url, caller=self.service, callee=GATEWAY, secret=secret
        )
