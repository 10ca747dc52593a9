"""What is wrong with settings, each by its name, and what production asks beyond their form."""

from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

from common.doctor.finding import Finding
from common.settings import Settings, Wrong

LOOPBACK = ("localhost", "127.", "::1", "0.0.0.0")  # noqa: S104 - what nobody outside can reach


def malformed(wrong: Sequence[Wrong]) -> list[Finding]:
    """One line for each setting that is missing or malformed, or one that none is."""
    if not wrong:
        return [Finding("settings", True, "all are there and well-formed")]
    return [Finding(f"settings: {one.name}", False, one.why, one.advice) for one in wrong]


async def strict(settings: Settings) -> AsyncIterator[Finding]:
    """Documents and metrics are on no public port, and only named origins may call."""
    if not settings.production:
        yield Finding(
            "production", True, "ENVIRONMENT is development: the strict rules do not hold"
        )
        return
    yield Finding("documents", True, "off in production, whatever EXPOSE_DOCS says")
    port = settings.metrics_port
    yield Finding(
        "metrics",
        port is not None,
        f"on port {port}" if port else "in production they are on no public port, so nowhere",
        "set METRICS_PORT to a port that only your monitoring reaches, such as 9000",
    )
    plain_http = [one for one in settings.cors_origins if one.startswith("http://")]
    yield Finding(
        "CORS_ORIGINS",
        not plain_http,
        f"without TLS: {', '.join(plain_http)}"
        if plain_http
        else f"exactly {', '.join(settings.cors_origins)}"
        if settings.cors_origins
        else "none: no page of another origin may call",
        "name each origin with https",
    )


def public(name: str, url: str, settings: Settings) -> Finding:
    """An address that browsers or platforms use: https in production, and not this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    mend = f"set {name} to the https address under which it is reached from outside"
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        return Finding(name, False, "not an address such as https://clips.example.org", mend)
    if parts.username is not None:
        return Finding(name, False, "an address that is shown holds no user and password", mend)
    if settings.production and (parts.scheme != "https" or host.startswith(LOOPBACK)):
        return Finding(name, False, f"{parts.scheme}://{host} can't be used from outside", mend)
    return Finding(name, True, f"{parts.scheme}://{parts.netloc}{parts.path}")
