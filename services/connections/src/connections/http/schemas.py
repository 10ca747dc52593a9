"""Bodies of requests and answers, as people see them. Unknown fields of a request are refused."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from common.contracts.words import Platform
from connections.app.ports import Catalogue, CheckResult, Flow, PlatformFacts
from connections.domain.connection import Connection, Status

Token = Annotated[SecretStr, Field(min_length=1, max_length=4096)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AuthorizeIn(_Input):
    """Where to come back to, and which connection is to be renewed."""

    connection_id: UUID | None = None
    return_to: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class FinishIn(_Input):
    """What the browser brought back from the consent page."""

    finish: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class RutubeIn(_Input):
    """Rutube connects by an API token."""

    platform: Literal[Platform.RUTUBE]
    token: Token


class TelegramIn(_Input):
    """Telegram connects by a bot's token, for one channel: `@name` or `-100…`."""

    platform: Literal[Platform.TELEGRAM]
    token: Token
    channel: Annotated[str, Field(min_length=1, max_length=100)]


ConnectIn = Annotated[RutubeIn | TelegramIn, Field(discriminator="platform")]


class AuthorizeOut(BaseModel):
    """The platform's own page."""

    authorize_url: str
    expires_at: datetime

    @classmethod
    def of(cls, flow: Flow) -> Self:
        """As people see it."""
        return cls(authorize_url=flow.authorize_url, expires_at=flow.expires_at)


class AccountOut(BaseModel):
    """Who it is, as the platform names it."""

    id: str
    name: str
    avatar_url: str | None
    url: str | None


class ConnectionOut(BaseModel):
    """A linked account."""

    id: UUID
    platform: Platform
    status: Status
    experimental: bool
    account: AccountOut
    granted: list[str]
    expires_at: datetime | None
    checked_at: datetime
    created_at: datetime

    @classmethod
    def of(cls, connection: Connection, catalogue: Catalogue) -> Self:
        """As people see it. What is switched off here counts as experimental: only that can be."""
        facts = catalogue.get(connection.platform)
        account = connection.account
        return cls(
            id=connection.id,
            platform=connection.platform,
            status=connection.status,
            experimental=facts is None or facts.experimental,
            account=AccountOut(
                id=account.id, name=account.name, avatar_url=account.avatar_url, url=account.url
            ),
            granted=list(connection.granted),
            expires_at=connection.expires_at,
            checked_at=connection.checked_at,
            created_at=connection.created_at,
        )


class CheckOut(BaseModel):
    """What the platform said, and what became of the connection."""

    result: CheckResult
    status: Status
    checked_at: datetime
    detail: str


class LimitsOut(BaseModel):
    """What one publication may be. `joined` limits title and description together; lengths are
    in `unit`s."""

    file_bytes: int
    title: int
    description: int
    joined: int | None
    unit: str


class PlatformOut(BaseModel):
    """A platform, before anything is connected."""

    platform: Platform
    title: str
    connect: Literal["oauth", "token"]
    allowed: bool
    experimental: bool
    limits: LimitsOut
    options_schema: dict[str, Any]

    @classmethod
    def of(cls, facts: PlatformFacts, *, allowed: bool) -> Self:
        """As people see it."""
        return cls(
            platform=facts.platform,
            title=facts.title,
            connect=facts.connect,
            allowed=allowed,
            experimental=facts.experimental,
            limits=LimitsOut(
                file_bytes=facts.file_bytes,
                title=facts.title_length,
                description=facts.description_length,
                joined=facts.joined_length,
                unit=facts.unit,
            ),
            options_schema=dict(facts.options_schema),
        )
