"""What every log line about a credential carries."""

from oauth_gateway.domain.credential import Credential


def ids(credential: Credential) -> dict[str, str]:
    """The same names as in every service."""
    return {
        "connection_id": str(credential.connection_id),
        "user_id": credential.user_id,
        "platform": credential.platform,
    }
