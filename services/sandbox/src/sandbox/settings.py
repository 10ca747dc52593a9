"""What can be set from the environment; the defaults suit one developer's machine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

CALLBACKS = "http://127.0.0.1:8002/api/oauth"


class Settings(BaseSettings):
    """Environment variables of the same names, upper case; an empty one is as if absent."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    http_host: str = "127.0.0.1"
    http_port: int = 8009
    public_url: str = ""  # absolute links in answers; empty: http://<host>:<port>
    ledger_file: Path | None = None  # without it a restart forgets everything
    processing_seconds: float = 2.0  # from an accepted upload to "ready", on the sandbox's clock
    latency_seconds: float = Field(default=0, ge=0)  # before every call is carried out
    hang_seconds: float = 120.0  # how long "timeout" stays silent when the client does not give up
    slow_seconds: float = 10.0  # how long "slow" dribbles one answer
    link_patience_seconds: float = 15.0  # silence after which a platform gives up fetching a link
    journal_keep: int = 20_000  # older entries are dropped

    sandbox_consent: Literal["page", "allow", "deny"] = "page"
    sandbox_redirect_uris: str = ""  # comma list, trusted for every app on top of its own

    vk_publish_client_id: str = "51000001"
    vk_publish_client_secret: SecretStr = SecretStr("sandbox-vk-secret")
    vk_publish_redirect_uri: str = f"{CALLBACKS}/vk/callback"
    yandex_client_id: str = "5a5a0000000000000000000000000001"
    yandex_client_secret: SecretStr = SecretStr("sandbox-yandex-secret")
    yandex_redirect_uri: str = f"{CALLBACKS}/dzen/callback"

    vk_daily_saves: int = Field(default=5000, ge=1)  # video.save calls a day and app
    vk_flood_equal: int = Field(default=10, ge=1)  # equal actions a minute before flood control
    dzen_calls_per_second: float = Field(default=0.5, ge=0)  # per account, burst 5; 0: no limit

    @property
    def origin(self) -> str:
        """The configured public origin; never the request's Host header."""
        return (self.public_url or f"http://127.0.0.1:{self.http_port}").rstrip("/")

    def redirect_uris(self, own: str) -> frozenset[str]:
        """The exact addresses an app may be called back at."""
        listed = [own, *self.sandbox_redirect_uris.split(",")]
        return frozenset(uri.strip() for uri in listed if uri.strip())
