"""Which variables a service reads, for the tests of what deployments give it."""

from importlib import import_module
from secrets import token_hex

from pydantic_settings import BaseSettings

from common.contracts.words import Platform
from common.settings import Privileged

PEOPLE = {"AUTH_JWT_SECRET", "AUTH_JWKS_URL", "AUTH_JWT_ISSUER", "CORS_ORIGINS"}
"""What only http reads: who serves people."""
UNREAD = {"oauth-gateway": PEOPLE}
"""The gateway serves no people."""
LINKS = {"MEDIA_LINK_SECRET"}


def not_for(process: str) -> set[str]:
    """What others of the same service read, and this process does not."""
    if process.endswith("-http"):
        return set()
    return PEOPLE if process.startswith(PUBLISHING) else PEOPLE | LINKS


PUBLISHING = tuple(f"publisher-{one}" for one in Platform)
PRIVILEGED = {name.upper() for name in Privileged.model_fields}
TRACES = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
"""The standard's own variables, which the OpenTelemetry SDK reads by itself."""
BUCKET = {
    "AWS_REGION", "AWS_ENDPOINT", "AWS_ALLOW_HTTP", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
}  # fmt: skip
"""What obstore reads by itself when clips are kept in a bucket."""


def settings_classes(package: str) -> list[type[BaseSettings]]:
    """The settings classes that the service's own modules name, not the bases of others."""
    wiring = import_module(f"{package}.wiring")
    own = import_module(f"{package}.settings")
    named = [*vars(own).values(), *vars(wiring).values()]
    found = {one for one in named if isinstance(one, type) and issubclass(one, BaseSettings)}
    return [one for one in found if not any(sub in found for sub in one.__subclasses__())]


def fields(package: str) -> set[str]:
    """The variables of all of them."""
    return {
        name.upper() for settings in settings_classes(package) for name in settings.model_fields
    }


def secrets(package: str) -> set[str]:
    """Those whose value is a secret, or an address with a password in it."""
    return {
        name.upper()
        for settings in settings_classes(package)
        for name, field in settings.model_fields.items()
        if "Secret" in repr(field.annotation) or "Secret" in repr(field.metadata)
    }


def plausible(name: str) -> str:
    """What a careful operator would write for a variable."""
    if name.endswith(("_SECRET", "_TOKEN", "_PASSWORD")):
        return token_hex(32)
    return "https://example.org/somewhere" if name.endswith(("_URL", "_URI")) else "51000001"
