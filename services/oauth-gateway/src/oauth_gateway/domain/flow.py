"""A flow under way: what was known at its start, and what the platform's redirect added."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import SecretStr

from common.contracts.words import Platform

LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Flow:
    """Kept under the hash of its state."""

    platform: Platform
    user_id: str
    redirect_uri: str
    verifier: SecretStr
    device_id: str
    """For platforms that bind tokens to a device we name: the connection's id."""
    issuer: str
    connection_id: UUID | None
    """The connection to renew; None for a new one."""
    proposal: UUID
    """The id of a connection that turns out to be new."""
    return_to: str | None


@dataclass(frozen=True, slots=True)
class Consented:
    """A flow whose owner said yes; kept under the hash of its finish id."""

    flow: Flow
    code: SecretStr
    state: str
    device_id: str


def issuer_of(authorize_url: str) -> str:
    """The authorization server behind a consent page: its address without the last segment."""
    parts = urlsplit(authorize_url)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rsplit('/', 1)[0]}"


def same_issuer(sent: str, expected: str) -> bool:
    """RFC 9207, without insisting on the base path: a server may name its bare origin."""
    parts = urlsplit(expected)
    return sent.rstrip("/") in {expected, f"{parts.scheme}://{parts.netloc}"}
