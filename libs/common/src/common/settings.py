"""Settings from the environment, read once at start; a bad one stops the service with advice."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    DirectoryPath,
    SecretStr,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from common.durations import Durations, parse_many

PLACEHOLDERS = ("changeme", "change-me", "example", "placeholder", "secret", "password", "xxx")


def _split(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever was given
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _strong(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if len(text) < 32 or len(set(text)) < 8:
        raise ValueError("too weak: make one with `openssl rand -hex 32`")
    if any(word in text.lower() for word in PLACEHOLDERS):
        raise ValueError("a placeholder: make one with `openssl rand -hex 32`")
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A comma list."""
StrongSecret = Annotated[SecretStr, AfterValidator(_strong)]
"""A secret of ours; placeholders and weak values are refused."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where the text of a file should: no field takes it, so its field is refused by name,
    along with all others that are wrong."""

    why: str


class FileSource(PydanticBaseSettingsSource):
    """`<NAME>_FILE` names a file that holds the value (Docker and Kubernetes secrets)."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401, ARG002 - the base class's signature
        """The file's text without its last newline, when `<NAME>_FILE` is set."""
        path = os.environ.get(f"{field_name.upper()}_FILE")
        return (Path(path).read_text().strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All values that stand in files."""
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            try:
                value, _, _ = self.get_field_value(field, name)
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else None
                value = Unreadable(why or "not a text")
            if value is not None:
                found[name] = value
        return found


ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
"""As browsers write it: without a path, and never "any"."""


class FromEnvironment(BaseSettings):
    """Settings whose values stand in the environment or in files."""

    model_config = SettingsConfigDict(
        extra="ignore", hide_input_in_errors=True, frozen=True, env_ignore_empty=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then files."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, FileSource(settings_cls)


class Privileged(FromEnvironment):
    """What the tasks `migrate` and `topology` may do and the processes may not: only they read it.

    Without it they work with the service's own rights, which then have to be enough.
    """

    database_owner_url: SecretStr | None = None
    rabbitmq_admin_url: SecretStr | None = None
    rabbitmq_management_url: str | None = None
    """Where RabbitMQ's management API is; there the service's user is made and given its rights."""


class Settings(FromEnvironment):
    """What every service needs. Names are fixed by api.md."""

    environment: Literal["development", "production"] = "development"
    database_url: SecretStr
    rabbitmq_url: SecretStr
    redis_url: SecretStr
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    metrics_port: int | None = None
    """Where /metrics and the health of a worker are served; http processes without it serve
    metrics on their own port."""
    expose_docs: bool = True
    cors_origins: Names = ()
    auth_jwt_secret: StrongSecret | None = None
    auth_jwks_url: str | None = None
    auth_jwt_issuer: str | None = None
    service_tokens: SecretStr | None = None
    bus_retry_delays: Durations = parse_many("1s,10s,60s")
    failpoints: DirectoryPath | None = None
    """A folder for orders to die or freeze; common.failpoint reads the variable by itself."""

    @field_validator("failpoints")
    @classmethod
    def _never_in_production(
        cls, value: DirectoryPath | None, info: ValidationInfo
    ) -> DirectoryPath | None:
        if value is not None and info.data.get("environment") == "production":
            raise ValueError("they are for tests, not for production")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(ORIGIN.fullmatch(one) for one in value):
            raise ValueError(
                "name each origin exactly: scheme, host, and port if it is a special one"
            )
        return value

    @field_validator("rabbitmq_url")
    @classmethod
    def _a_user_of_its_own(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        user = urlsplit(value.get_secret_value()).username
        if user in {None, "guest"} and info.data.get("environment") == "production":
            raise ValueError("guest may do everything: name a user of the service's own")
        return value

    @property
    def production(self) -> bool:
        """Whether the strict rules hold."""
        return self.environment == "production"


S = TypeVar("S", bound=BaseSettings)

FILE_ADVICE = "it holds the value, and the user of the process may read it"
ADVICE = {
    "environment": "production, or development, which is the default",
    "platform_token_secret": "make one with `openssl rand -hex 32`",
    "platform_token_secret_previous": "the 64 hex characters of the former secret",
    "auth_jwt_secret": "make one with `openssl rand -hex 32`; the host product signs with it",
    "media_link_secret": "make one with `openssl rand -hex 32`",
    "database_url": "for example postgresql://user:password@host:5432/database",
    "rabbitmq_url": "for example amqp://user:password@host:5672/vhost?heartbeat=10",
    "redis_url": "for example redis://host:6379/0",
    "cors_origins": "for example https://app.example.org,https://admin.example.org",
    "failpoints": "leave it empty; docs/architecture.md tells what it is",
    "service_tokens": "for example publisher=<32 random bytes in hex>",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A setting that is missing or malformed; its value is never told."""

    name: str
    why: str
    advice: str


def read(cls: type[S]) -> tuple[S, tuple[Wrong, ...]]:
    """The settings and all that is wrong with them. While something is, the object holds only what
    is right, and nothing under the other names."""
    try:
        return cls(), ()
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
    wrong = {str(one["loc"][0]) if one["loc"] else "settings": one for one in problems}
    return _sound(cls, set(wrong)), tuple(_told(name, one) for name, one in wrong.items())


def load(cls: type[S]) -> S:
    """Read the settings, or end the process with one line for each that is wrong."""
    settings, wrong = read(cls)
    if wrong:
        stop(*wrong)
    return settings


def stop(*wrong: Wrong) -> NoReturn:
    """End the process with one line for each setting that is wrong, or that it lacks."""
    for one in wrong:
        print(f"{one.name}: {one.why} ({one.advice})", file=sys.stderr)  # noqa: T201 - logs are not configured yet
    raise SystemExit(2)


def needed(settings: BaseSettings, name: str) -> SecretStr:
    """A secret that only some processes of a service are given; one that lacks it ends."""
    value: SecretStr | None = getattr(settings, name)
    if value is None:
        stop(Wrong(name.upper(), "this process needs it", ADVICE[name]))
    return value


def _told(name: str, problem: Mapping[str, object]) -> Wrong:
    if isinstance(given := problem["input"], Unreadable):
        return Wrong(f"{name.upper()}_FILE", f"the file can't be read: {given.why}", FILE_ADVICE)
    return Wrong(name.upper(), str(problem["msg"]), ADVICE.get(name, "see .env.example"))


def _sound(cls: type[S], wrong: set[str]) -> S:
    """Read once more, without the fields that are wrong and the rules that hold between fields."""
    kept = {name: one for name, one in cls.model_fields.items() if name not in wrong}
    fields: dict[str, Any] = {name: (one.annotation, one) for name, one in kept.items()}
    part = create_model("Part", __base__=FromEnvironment, **fields)()
    values = {name: getattr(part, name) for name in kept}
    return cast("S", cls.model_construct(set(kept), **values))
