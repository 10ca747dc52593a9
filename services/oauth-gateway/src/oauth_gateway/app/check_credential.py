"""Ask the platform about a connection: works, refused, or it can't be told now."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from oauth_gateway.app.ask_platform import ask_platform
from oauth_gateway.app.lease_access_token import lease_access_token
from oauth_gateway.app.ports import Ports
from oauth_gateway.app.usable import usable
from oauth_gateway.domain.refusals import Gone
from platforms.errors import NoRight, PlatformError, TokenExpired
from platforms.reasons import Reason


class Result(StrEnum):
    """`refused` says no more than that; its detail tells a dead token from a missing right."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Checked:
    """`detail` is a value of platforms.reasons, or empty."""

    result: Result
    detail: str = ""


async def check_credential(connection_id: UUID, ports: Ports) -> Checked:
    """A timeout or a server error is never a refusal."""
    try:
        leased = await lease_access_token(connection_id, None, ports)
        try:
            credential = await usable(connection_id, ports)
            await ask_platform(credential, leased.access_token, ports)
        except TokenExpired:
            fresh = await lease_access_token(connection_id, leased.version, ports)
            credential = await usable(connection_id, ports)
            await ask_platform(credential, fresh.access_token, ports)
    except Gone:
        return Checked(Result.REFUSED, Reason.TOKEN_REFUSED.value)
    except NoRight as refusal:
        return Checked(Result.REFUSED, refusal.reason.value)
    except PlatformError as failure:
        return Checked(Result.UNKNOWN, failure.reason.value)
    return Checked(Result.OK)
