"""What our services send and get. Input is strict: an unknown field is a mistake."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from common.contracts.words import Platform
from oauth_gateway.app.check_credential import Checked, Result
from oauth_gateway.app.keep_grant import Linked
from oauth_gateway.app.lease_access_token import Leased

UserId = Annotated[str, Field(min_length=1, max_length=200)]


class Input(BaseModel):
    """What came with a request; errors about it never show it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class StartBody(Input):
    """Who wants to connect what, and where they go afterwards."""

    platform: Platform
    user_id: UserId
    connection_id: UUID | None = None
    return_to: Annotated[str, Field(max_length=100)] | None = None


class StartedBody(BaseModel):
    """The platform's own address."""

    authorize_url: str
    expires_at: datetime


class FinishBody(Input):
    """Who finishes."""

    user_id: UserId


class PastedBody(Input):
    """A token as its owner pasted it."""

    platform: Platform
    user_id: UserId
    token: Annotated[SecretStr, Field(min_length=1, max_length=4096)]
    channel: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class AccountBody(BaseModel):
    """The account as the platform names it."""

    id: str
    name: str
    avatar_url: str | None
    url: str | None


class LinkedBody(BaseModel):
    """What is now connected."""

    connection_id: UUID
    platform: Platform
    grant_number: int
    account: AccountBody
    granted: list[str]
    expires_at: datetime | None

    @classmethod
    def of(cls, linked: Linked) -> Self:
        """The answer for a connected account."""
        account = linked.account
        return cls(
            connection_id=linked.connection_id,
            platform=linked.platform,
            grant_number=linked.grant_number,
            account=AccountBody(
                id=account.id,
                name=account.name,
                avatar_url=account.avatar_url,
                url=account.url,
            ),
            granted=list(linked.granted),
            expires_at=linked.expires_at,
        )


class CheckedBody(BaseModel):
    """`detail` is a value of platforms.reasons, or empty."""

    result: Result
    detail: str

    @classmethod
    def of(cls, checked: Checked) -> Self:
        """The answer for a check."""
        return cls(result=checked.result, detail=checked.detail)


class LeaseBody(Input):
    """The version of the token that a platform has just refused, if one did."""

    refused_version: Annotated[int, Field(ge=1)] | None = None


class LeasedBody(BaseModel):
    """The only answer of the whole system with a token in it. Never a refresh token."""

    access_token: str
    version: int
    expires_at: datetime | None

    @classmethod
    def of(cls, leased: Leased) -> Self:
        """The answer for a lease."""
        return cls(
            access_token=leased.access_token.get_secret_value(),
            version=leased.version,
            expires_at=leased.expires_at,
        )
